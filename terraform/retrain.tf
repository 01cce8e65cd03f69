locals {
  retrain_uri = google_cloud_run_v2_service.retrain.uri
}

# People and systems start a training run, promote and roll back without a console.
resource "google_cloud_run_v2_service" "retrain" {
  name                = "${var.environment}-retrain"
  location            = var.region
  ingress             = { all = "INGRESS_TRAFFIC_ALL", internal = "INGRESS_TRAFFIC_INTERNAL_ONLY", internal-and-cloud-load-balancing = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" }[var.retrain_ingress]
  deletion_protection = var.deletion_protection

  dynamic "binary_authorization" {
    for_each = var.enable_binary_authorization ? ["project"] : []

    content {
      use_default = true
    }
  }

  template {
    service_account       = local.accounts.retrain
    execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
    timeout               = "30s"
    # One request at a time: whether a run is under way is looked up before one is started.
    max_instance_request_concurrency = 1

    scaling {
      min_instance_count = 0
      max_instance_count = 1
    }

    containers {
      name    = "retrain"
      image   = coalesce(var.scoring_image, local.placeholder_image)
      command = var.scoring_image == null ? local.placeholder : ["python", "-m", "functions.retrain"]

      ports {
        name           = "http1"
        container_port = 8080
      }

      resources {
        limits            = { cpu = "1", memory = "512Mi" }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(local.tracing, {
          AUTH                   = "iam"
          CREDIT_MODELS          = local.settings.CREDIT_MODELS
          DEFAULT_MODEL          = var.default_model
          MODEL_STORE            = local.settings.MODEL_STORE
          TRAINING_JOB           = "projects/${var.project_id}/locations/${var.region}/jobs/${var.environment}-train-{model}"
          TRAINING_OVERDUE_HOURS = tostring(24 * var.training_overdue_days)
        })

        content {
          name  = env.key
          value = env.value
        }
      }

      startup_probe {
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
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  # Releases own image and command, and gcloud signs what it changes; Terraform must not take that
  # back.
  lifecycle {
    ignore_changes = [
      annotations,
      client,
      client_version,
      scaling,
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

resource "google_cloud_run_v2_job_iam_member" "retrain_runs" {
  for_each = var.models

  name     = google_cloud_run_v2_job.training[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.accounts.retrain}"
}

resource "google_cloud_run_v2_job_iam_member" "retrain_looks" {
  for_each = var.models

  name     = google_cloud_run_v2_job.training[each.key].name
  location = var.region
  role     = "roles/run.viewer"
  member   = "serviceAccount:${local.accounts.retrain}"
}

resource "google_cloud_run_v2_service_iam_member" "operator_retrains" {
  for_each = var.operators

  name     = google_cloud_run_v2_service.retrain.name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value
}

# Once a day each model's status is asked for; the answer is logged if its training is overdue.
resource "google_cloud_scheduler_job" "watch" {
  for_each = var.models

  name             = "${var.environment}-watch-${replace(each.key, "_", "-")}"
  region           = var.region
  schedule         = "0 6 * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"

  http_target {
    http_method = "GET"
    uri         = "${local.retrain_uri}/train/status?model=${each.key}"

    oidc_token {
      service_account_email = local.accounts.watch
      audience              = local.retrain_uri
    }
  }
}

# Cloud Run cannot grant a path: this account could also start a run, as `operators` may.
resource "google_cloud_run_v2_service_iam_member" "watch_asks" {
  name     = google_cloud_run_v2_service.retrain.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.accounts.watch}"
}
