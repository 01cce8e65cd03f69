# With enable_lending: what the loan book does besides answering, each in a job of the same image. A release runs
# `migrate` before the new revision gets traffic; the others run by the clock.
locals {
  lending_jobs = {
    for name, job in {
      check = {
        account  = "close"
        args     = ["check"]
        schedule = "30 2 * * *"
        settings = {}
        secrets  = {}
      }
      close = {
        account  = "close"
        args     = ["close", "--date", "yesterday"]
        schedule = "0 1 * * *"
        settings = {}
        secrets  = {}
      }
      decide = {
        account  = "sweep"
        args     = ["decide"]
        schedule = var.lending.decide_schedule
        settings = local.asking
        secrets  = { for name, secret in local.lending_secrets : name => secret if name != "KYC_KEY" }
      }
      deliver = {
        account  = "deliver"
        args     = ["deliver"]
        schedule = var.lending.deliver_schedule
        settings = {}
        secrets  = { for name, secret in local.lending_secrets : name => secret if startswith(name, "WEBHOOK") }
      }
      # The last day of each month, after its close: provisions and expected loss of every loan.
      expected-loss = {
        account  = "close"
        args     = ["expected-loss", "--date", "yesterday"]
        schedule = "0 3 1 * *"
        settings = {}
        secrets  = {}
      }
      migrate = {
        account = "migrate"
        args = concat(
          ["migrate", "--service-user", local.database_users.lending],
          flatten([for account in ["close", "deliver", "sweep"] : ["--job-user", local.database_users[account]]]),
        )
        schedule = null
        settings = {}
        secrets  = {}
      }
    } : name => job if var.enable_lending
  }

  lending_schedules = { for name, job in local.lending_jobs : name => job.schedule if job.schedule != null }
}

resource "google_cloud_run_v2_job" "lending" {
  for_each = local.lending_jobs

  name     = "${var.environment}-lending-${each.key}"
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
      timeout               = "${var.lending.timeout_seconds}s"
      max_retries           = 1

      containers {
        image   = coalesce(var.lending_image, local.placeholder_image)
        command = var.lending_image == null ? ["python", "-c", "raise SystemExit('no image has been released yet')"] : null
        args    = each.value.args

        resources {
          limits = { cpu = "1", memory = var.lending.memory }
        }

        dynamic "env" {
          for_each = merge(each.value.settings, { DATABASE_URL = local.database_urls[each.value.account] })

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

      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"

        network_interfaces {
          subnetwork = local.lending_subnet
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

  depends_on = [google_compute_forwarding_rule.lending, google_sql_user.lending]
}

resource "google_cloud_scheduler_job" "lending" {
  for_each = local.lending_schedules

  name             = "${var.environment}-lending-${each.key}"
  region           = var.region
  schedule         = each.value
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"

  retry_config {
    retry_count = 3
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/projects/${var.project_id}/locations/${var.region}/jobs/${google_cloud_run_v2_job.lending[each.key].name}:run"

    oauth_token {
      service_account_email = local.accounts.schedule
      scope                 = "https://www.googleapis.com/auth/cloud-platform"
    }
  }
}

resource "google_cloud_run_v2_job_iam_member" "schedule_runs_lending" {
  for_each = local.lending_schedules

  name     = google_cloud_run_v2_job.lending[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.accounts.schedule}"
}

# Before a revision gets traffic. The build may start every job of the project; here it says so.
resource "google_cloud_run_v2_job_iam_member" "build_migrates" {
  for_each = local.lending

  name     = google_cloud_run_v2_job.lending["migrate"].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.accounts.build}"
}

# The close opens a new book and closes another day with other arguments: whoever may start it so may run any command
# of the loan book as its account, which may write the whole book. The others start as they stand; migrate is a release's.
resource "google_cloud_run_v2_job_iam_member" "operator_runs_lending" {
  for_each = {
    for pair in setproduct(keys(local.lending_schedules), var.operators) : join(" ", pair) => { job = pair[0], member = pair[1] }
  }

  name     = google_cloud_run_v2_job.lending[each.value.job].name
  location = var.region
  role     = each.value.job == "close" ? "roles/run.jobsExecutorWithOverrides" : "roles/run.invoker"
  member   = each.value.member
}
