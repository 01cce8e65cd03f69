# With enable_pipeline: the steps of a night, each a job that runs one command of training for yesterday, so that a
# step can be run again for any day. A job costs nothing while it does not run.
locals {
  warehouse_settings = { WAREHOUSE_URL = local.warehouse_url }
  warehouse_secrets = var.pipeline.warehouse_secret == null ? {} : {
    WAREHOUSE_SECRET = zipmap(["secret", "version"], split(":", var.pipeline.warehouse_secret))
  }
  model_settings = { CREDIT_MODELS = local.settings.CREDIT_MODELS, MODEL_STORE = local.settings.MODEL_STORE }
  decision_log   = "bigquery://${var.project_id}/${google_bigquery_dataset.decisions.dataset_id}/${google_bigquery_table.decisions.table_id}"

  # Every source at 02:00, as it has its own address.
  ingest_jobs = {
    for name, source in var.pipeline.sources :
    "ingest-${replace(name, "_", "-")}" => {
      account  = "ingest"
      args     = ["ingest", "--source", name, "--day", "yesterday"]
      schedule = "0 2 * * *"
      settings = merge(
        local.warehouse_settings,
        { LAKE_URI = "gs://${var.project_id}-${var.environment}-lake" },
        var.pipeline.sources_file == null ? {} : { PIPELINE_SOURCES = var.pipeline.sources_file },
        source.url == null ? {} : { "SOURCE_URL_${upper(name)}" = source.url },
      )
      secrets = merge(local.warehouse_secrets, {
        for variable, reference in { URL = source.url_secret, TOKEN = source.token_secret } :
        "SOURCE_${variable}_${upper(name)}" => zipmap(["secret", "version"], split(":", reference)) if reference != null
      })
    }
  }

  # Features wait for the checks, and refuse a day that failed one.
  table_jobs = {
    quality = {
      account  = "features"
      args     = ["quality", "--day", "yesterday"]
      schedule = "0 3 * * *"
      settings = merge(local.warehouse_settings, var.pipeline.quality_file == null ? {} : { PIPELINE_QUALITY = var.pipeline.quality_file })
      secrets  = local.warehouse_secrets
    }
    features = {
      account  = "features"
      args     = ["features", "--day", "yesterday"]
      schedule = "0 4 * * *"
      settings = local.warehouse_settings
      secrets  = local.warehouse_secrets
    }
  }

  # From which the scoring service looks applicants up; models without an identifier have none.
  snapshot_jobs = {
    for name in setintersection(["customer"], keys(var.models)) :
    "snapshot-${name}" => {
      account  = "training"
      args     = ["snapshot", "--model", name, "--day", "yesterday"]
      schedule = "0 5 * * *"
      settings = merge(local.warehouse_settings, local.model_settings, { FEATURE_STORE_URI = local.settings.MODEL_STORE })
      secrets  = local.warehouse_secrets
    }
  }

  monitor_jobs = {
    for name, _ in var.models :
    "monitor-${replace(name, "_", "-")}" => {
      account  = "monitor"
      args     = ["monitor", "--model", name, "--log", local.decision_log, "--day", "yesterday"]
      schedule = "0 6 * * *"
      settings = local.model_settings
      secrets  = {}
    }
  }

  # The calendar beside the weekly run of each model, which schedule.tf has.
  calendar = merge(
    {
      for name in var.pipeline.monthly_models :
      "monthly-${replace(name, "_", "-")}" => { model = name, schedule = "0 5 1 * *", more = ["--last-months", tostring(var.pipeline.monthly_months)] }
    },
    {
      for name in var.pipeline.quarterly_models :
      "quarterly-${replace(name, "_", "-")}" => { model = name, schedule = "0 7 2 1,4,7,10 *", more = ["--budget", "standard"] }
    },
  )

  calendar_jobs = {
    for name, review in local.calendar :
    name => {
      account  = "training"
      args     = concat(local.training_arguments[review.model], review.more)
      schedule = review.schedule
      settings = merge(local.model_settings, local.from_warehouse[review.model] ? local.warehouse_settings : {})
      secrets  = local.from_warehouse[review.model] ? local.warehouse_secrets : {}
    }
  }

  # What the champion reads against a year ago, and what it could read besides: for people, it changes nothing.
  review_jobs = {
    for name in var.pipeline.yearly_models :
    "yearly-${replace(name, "_", "-")}" => {
      account  = "training"
      args     = ["review", "--model", name, "--data", var.models[name].data]
      schedule = "0 8 3 1 *"
      settings = merge(local.model_settings, local.from_warehouse[name] ? local.warehouse_settings : {})
      secrets  = local.from_warehouse[name] ? local.warehouse_secrets : {}
    }
  }

  pipeline_jobs = { for name, job in merge(local.ingest_jobs, local.table_jobs, local.snapshot_jobs, local.monitor_jobs, local.calendar_jobs, local.review_jobs) : name => job if var.enable_pipeline }
}

resource "google_cloud_run_v2_job" "pipeline" {
  for_each = local.pipeline_jobs

  name     = "${var.environment}-pipeline-${each.key}"
  location = var.region
  # A job holds no data.
  deletion_protection = false

  dynamic "binary_authorization" {
    for_each = var.enable_binary_authorization ? ["project"] : []

    content {
      use_default = true
    }
  }

  template {
    parallelism = 1
    task_count  = 1

    template {
      service_account       = local.accounts[each.value.account]
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      timeout               = "${var.pipeline.timeout_seconds}s"
      max_retries           = 1

      containers {
        image   = coalesce(var.training_image, local.placeholder_image)
        command = var.training_image == null ? ["python", "-c", "raise SystemExit('no image has been released yet')"] : null
        args    = each.value.args

        resources {
          limits = { cpu = "2", memory = var.pipeline.memory }
        }

        dynamic "env" {
          for_each = each.value.settings

          content {
            name  = env.key
            value = env.value
          }
        }

        # A reference to a version: values never pass through Terraform.
        dynamic "env" {
          for_each = each.value.secrets

          content {
            name = env.key

            value_source {
              secret_key_ref {
                secret  = env.value.secret
                version = env.value.version
              }
            }
          }
        }
      }

      # Sources are often in a private network; nothing else of the pipeline needs one.
      dynamic "vpc_access" {
        for_each = each.value.account == "ingest" && var.pipeline.subnetwork != null ? [var.pipeline.subnetwork] : []

        content {
          egress = "PRIVATE_RANGES_ONLY"

          network_interfaces {
            subnetwork = vpc_access.value
          }
        }
      }
    }
  }

  # Releases own image and command, and gcloud signs what it changes; Terraform must not take that
  # back.
  lifecycle {
    ignore_changes = [
      annotations,
      client,
      client_version,
      template[0].annotations,
      template[0].labels,
      template[0].template[0].containers[0].command,
      template[0].template[0].containers[0].image,
    ]
  }
}

resource "google_cloud_scheduler_job" "pipeline" {
  for_each = { for name, job in local.pipeline_jobs : name => job if var.pipeline.schedules }

  name             = "${var.environment}-pipeline-${each.key}"
  region           = var.region
  schedule         = each.value.schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"

  retry_config {
    retry_count = 3
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/projects/${var.project_id}/locations/${var.region}/jobs/${google_cloud_run_v2_job.pipeline[each.key].name}:run"

    oauth_token {
      service_account_email = local.accounts.schedule
      scope                 = "https://www.googleapis.com/auth/cloud-platform"
    }
  }
}

resource "google_cloud_run_v2_job_iam_member" "schedule_runs_pipeline" {
  for_each = { for name, job in local.pipeline_jobs : name => job if var.pipeline.schedules }

  name     = google_cloud_run_v2_job.pipeline[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.accounts.schedule}"
}

# A day that was late, or broken, is run again with its date in place of `yesterday`. Whoever may do that may also
# name another source or warehouse for that run, under the job's account.
locals {
  reruns = {
    for pair in setproduct(keys(local.pipeline_jobs), setunion(var.operators, var.pipeline.runners)) :
    join(" ", pair) => { job = pair[0], member = pair[1] }
  }
}

resource "google_cloud_run_v2_job_iam_member" "pipeline_rerun" {
  for_each = local.reruns

  name     = google_cloud_run_v2_job.pipeline[each.value.job].name
  location = var.region
  role     = "roles/run.jobsExecutorWithOverrides"
  member   = each.value.member
}

# Whoever starts a run from elsewhere waits for its end.
resource "google_cloud_run_v2_job_iam_member" "runner_looks" {
  for_each = { for key, run in local.reruns : key => run if contains(var.pipeline.runners, run.member) }

  name     = google_cloud_run_v2_job.pipeline[each.value.job].name
  location = var.region
  role     = "roles/run.viewer"
  member   = each.value.member
}

# Training runs as it is scheduled, for no other day.
resource "google_cloud_run_v2_job_iam_member" "runner_trains" {
  for_each = {
    for run in setproduct(keys(var.models), var.enable_pipeline ? var.pipeline.runners : toset([]), ["invoker", "viewer"]) :
    join(" ", run) => { model = run[0], member = run[1], role = run[2] }
  }

  name     = google_cloud_run_v2_job.training[each.value.model].name
  location = var.region
  role     = "roles/run.${each.value.role}"
  member   = each.value.member
}

# What monitoring measured is created once, and read by scoring.
resource "google_storage_bucket_iam_member" "monitor_reads" {
  for_each = local.pipeline

  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.accounts.monitor}"
}

resource "google_storage_bucket_iam_member" "monitor_creates" {
  for_each = local.pipeline

  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectCreator"
  member = "serviceAccount:${local.accounts.monitor}"

  condition {
    title      = "monitoring-only"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.models.name}/objects/monitoring/\")"
  }
}
