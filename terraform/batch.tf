# With enable_batch: a file that lands in the inbox is scored, and so is one that is sent to the API. A small one by the
# service that hears of it, a large one by the tasks of a job, which that service starts.
locals {
  batch = var.enable_batch ? toset(["batch"]) : toset([])

  # How long files stay: of applicants, and what was decided about them, as long as other decisions.
  batch_buckets = !var.enable_batch ? {} : {
    inbox   = var.batch.inbox_days
    batches = var.decision_log_days
  }

  batch_settings = !var.enable_batch ? {} : {
    BATCH_STORE           = "gs://${google_storage_bucket.batch["batches"].name}"
    CREDIT_MODELS         = local.settings.CREDIT_MODELS
    DECISION_ANCHOR_STORE = local.settings.DECISION_ANCHOR_STORE
    MODEL_STORE           = local.settings.MODEL_STORE
  }

  # With tokens of the loan book people see their own batches; else whoever Cloud Run lets in is the caller.
  batch_has_tokens = var.enable_lending && var.lending.auth == "jwt"
  batch_callers = merge(local.batch_has_tokens ? local.lending_tokens : {}, {
    AUTH           = local.batch_has_tokens ? "jwt" : "iam"
    FORWARDED_HOPS = "1"
  })

  # `batch` hears of files: its only callers are events, which reach it from within Google's network. `batch-api` is
  # called by people and systems, and scores between their requests too: its processor is its own while it lives.
  batch_services = {
    for name, service in {
      batch = {
        command       = ["functions-framework", "--target=finalised", "--source=functions/batch/main.py"]
        concurrency   = 1
        ingress       = "INGRESS_TRAFFIC_INTERNAL_ONLY"
        max_instances = var.batch.max_instances
        is_probed     = false
        pauses        = true
        settings      = { AUTH = "iam" }
        # A file is scored before its event is acknowledged, for which an event has ten minutes.
        timeout = "600s"
      }
      batch-api = {
        command     = null
        concurrency = 40
        ingress     = { all = "INGRESS_TRAFFIC_ALL", internal = "INGRESS_TRAFFIC_INTERNAL_ONLY", internal-and-cloud-load-balancing = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" }[var.batch.ingress]
        # One queue: a second instance would score the open batches of the first again.
        max_instances = 1
        is_probed     = true
        pauses        = false
        settings      = local.batch_callers
        timeout       = "300s"
      }
    } : name => service if var.enable_batch
  }

  # The key of the decision log, if there is one: the records of a batch have the same evidence.
  batch_secrets = { for name, secret in local.secrets : name => secret if name == "DECISION_LOG_KEY" && var.enable_batch }
}

resource "google_storage_bucket" "batch" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs record access; a bucket of access logs would need the same care again
  for_each = local.batch_buckets

  name                        = "${var.project_id}-${var.environment}-${each.key}"
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]

    content {
      default_kms_key_name = encryption.value
    }
  }

  lifecycle_rule {
    condition {
      age = each.value
    }
    action {
      type = "Delete"
    }
  }

  # What replaced or deleted files held is gone a week later: they are about people.
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 7
      with_state                 = "ARCHIVED"
    }
    action {
      type = "Delete"
    }
  }
}

resource "google_cloud_run_v2_service" "batch" {
  for_each = local.batch_services

  name                = "${var.environment}-${each.key}"
  location            = var.region
  ingress             = each.value.ingress
  deletion_protection = var.deletion_protection

  dynamic "binary_authorization" {
    for_each = var.enable_binary_authorization ? ["project"] : []

    content {
      use_default = true
    }
  }

  template {
    service_account                  = local.accounts[each.key]
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    timeout                          = each.value.timeout
    max_instance_request_concurrency = each.value.concurrency

    scaling {
      min_instance_count = 0
      max_instance_count = each.value.max_instances
    }

    containers {
      name    = "batch"
      image   = coalesce(var.batch_image, local.placeholder_image)
      command = var.batch_image == null ? local.placeholder : each.value.command

      ports {
        name           = "http1"
        container_port = 8080
      }

      resources {
        limits            = { cpu = "1", memory = "1Gi" }
        cpu_idle          = each.value.pauses
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(local.tracing, local.batch_settings, each.value.settings, {
          BATCH_JOB = "projects/${var.project_id}/locations/${var.region}/jobs/${google_cloud_run_v2_job.batch["batch"].name}"
        })

        content {
          name  = env.key
          value = env.value
        }
      }

      # A reference to a version: values never pass through Terraform.
      dynamic "env" {
        for_each = local.batch_secrets

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

      dynamic "startup_probe" {
        for_each = each.value.is_probed ? ["live"] : []

        content {
          initial_delay_seconds = 0
          timeout_seconds       = 1
          period_seconds        = 1
          failure_threshold     = 60

          http_get {
            path = "/health/live"
            port = 8080
          }
        }
      }

      dynamic "liveness_probe" {
        for_each = each.value.is_probed ? ["live"] : []

        content {
          initial_delay_seconds = 0
          timeout_seconds       = 5
          period_seconds        = 30
          failure_threshold     = 3

          http_get {
            path = "/health/live"
            port = 8080
          }
        }
      }
    }
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  # Releases own image, command and traffic, and gcloud signs what it changes; Terraform must not
  # take that back.
  lifecycle {
    ignore_changes = [
      annotations,
      client,
      client_version,
      scaling[0].manual_instance_count,
      scaling[0].scaling_mode,
      template[0].annotations,
      template[0].containers[0].args,
      template[0].containers[0].command,
      template[0].containers[0].image,
      template[0].labels,
      template[0].revision,
      traffic,
    ]
  }
}

# Its tasks share a file. A task that is killed is started again, and writes the same bytes.
resource "google_cloud_run_v2_job" "batch" {
  for_each = local.batch

  name     = "${var.environment}-batch"
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
    parallelism = var.batch.tasks
    task_count  = var.batch.tasks

    template {
      service_account       = local.accounts.batch
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      timeout               = "${var.batch.timeout_seconds}s"
      max_retries           = 3

      containers {
        image   = coalesce(var.batch_image, local.placeholder_image)
        command = var.batch_image == null ? ["python", "-c", "raise SystemExit('no image has been released yet')"] : null
        # Whoever starts it names the batch in their place.
        args = ["run", "--batch", "none"]

        resources {
          limits = { cpu = "1", memory = var.batch.memory }
        }

        dynamic "env" {
          for_each = local.batch_settings

          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "env" {
          for_each = local.batch_secrets

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

# The batch is an argument, so starting the job takes the right to give it others.
resource "google_cloud_run_v2_job_iam_member" "batch_starts" {
  for_each = local.batch_services

  name     = google_cloud_run_v2_job.batch["batch"].name
  location = var.region
  role     = "roles/run.jobsExecutorWithOverrides"
  member   = "serviceAccount:${local.accounts[each.key]}"
}

# Cloud Run checks who calls the API; with tokens of the loan book, they say who the person is.
resource "google_cloud_run_v2_service_iam_member" "batch_invoker" {
  for_each = var.enable_batch ? var.batch.invokers : toset([])

  name     = google_cloud_run_v2_service.batch["batch-api"].name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value
}

# As of scoring: moving traffic takes the right to act as the service's account too.
resource "google_cloud_run_v2_service_iam_member" "responder_repairs_batch" {
  for_each = {
    for pair in setproduct(keys(local.batch_services), var.responders) : join(" ", pair) => { service = pair[0], member = pair[1] }
  }

  name     = google_cloud_run_v2_service.batch[each.value.service].name
  location = var.region
  role     = "roles/run.developer"
  member   = each.value.member
}

# A file whose job failed is scored by naming its batch again. Whoever may do that may run any command of batches as
# their account, which replaces and deletes nothing.
resource "google_cloud_run_v2_job_iam_member" "operator_runs_batch" {
  for_each = var.enable_batch ? var.operators : toset([])

  name     = google_cloud_run_v2_job.batch["batch"].name
  location = var.region
  role     = "roles/run.jobsExecutorWithOverrides"
  member   = each.value
}

resource "google_eventarc_trigger" "inbox" {
  for_each = local.batch

  name            = "${var.environment}-inbox"
  location        = var.region
  service_account = local.accounts.inbox

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.storage.object.v1.finalized"
  }

  matching_criteria {
    attribute = "bucket"
    value     = google_storage_bucket.batch["inbox"].name
  }

  destination {
    cloud_run_service {
      service = google_cloud_run_v2_service.batch[each.key].name
      region  = var.region
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.inbox_tells]
}

resource "google_cloud_run_v2_service_iam_member" "inbox_tells" {
  for_each = local.batch

  name     = google_cloud_run_v2_service.batch[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.accounts.inbox}"
}

resource "google_storage_bucket_iam_member" "batch_reads_models" {
  for_each = local.batch_services

  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.accounts[each.key]}"
}

# The API reads no inbox: who may call it must not see the files of other senders.
resource "google_storage_bucket_iam_member" "batch_reads" {
  for_each = !var.enable_batch ? {} : {
    "batch inbox"       = { account = "batch", bucket = "inbox" }
    "batch batches"     = { account = "batch", bucket = "batches" }
    "batch-api batches" = { account = "batch-api", bucket = "batches" }
  }

  bucket = google_storage_bucket.batch[each.value.bucket].name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.accounts[each.value.account]}"
}

# Everything that a batch writes is created once: nothing here may replace or delete a result, a record or an anchor.
resource "google_storage_bucket_iam_member" "batch_creates" {
  for_each = local.batch_services

  bucket = google_storage_bucket.batch["batches"].name
  role   = "roles/storage.objectCreator"
  member = "serviceAccount:${local.accounts[each.key]}"
}

resource "google_storage_bucket_iam_member" "batch_anchors" {
  for_each = local.batch_services

  bucket = google_storage_bucket.evidence.name
  role   = "roles/storage.objectCreator"
  member = "serviceAccount:${local.accounts[each.key]}"
}

# Who sends files can neither read nor replace them.
resource "google_storage_bucket_iam_member" "sender_drops" {
  for_each = var.enable_batch ? var.batch.senders : toset([])

  bucket = google_storage_bucket.batch["inbox"].name
  role   = "roles/storage.objectCreator"
  member = each.value
}

resource "google_storage_bucket_iam_member" "reader_fetches" {
  for_each = var.enable_batch ? var.batch.readers : toset([])

  bucket = google_storage_bucket.batch["batches"].name
  role   = "roles/storage.objectViewer"
  member = each.value
}
