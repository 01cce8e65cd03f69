# The scoring service scales from zero and loads the champion on its first request.
resource "google_cloud_run_v2_service" "scoring" {
  name                = "${var.environment}-scoring"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL"
  deletion_protection = var.deletion_protection

  template {
    service_account                  = google_service_account.scoring.email
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    max_instance_request_concurrency = 80
    timeout                          = "30s"

    scaling {
      min_instance_count = 0
      max_instance_count = var.max_instances
    }

    containers {
      image = var.scoring_image

      ports {
        container_port = 8080
      }

      resources {
        limits            = { cpu = "1", memory = "512Mi" }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      env {
        name  = "MODEL_STORE"
        value = "gs://${google_storage_bucket.models.name}"
      }

      env {
        name  = "AUTH"
        value = var.allow_public ? "none" : "iam"
      }

      startup_probe {
        period_seconds    = 1
        failure_threshold = 60

        http_get {
          path = "/health/live"
        }
      }

      liveness_probe {
        http_get {
          path = "/health/live"
        }
      }
    }
  }

  # Cloud Build releases images; Terraform must not take them back.
  lifecycle {
    ignore_changes = [client, client_version, template[0].containers[0].image]
  }
}

resource "google_service_account" "scoring" {
  account_id   = "${var.environment}-scoring"
  display_name = "Scoring service: reads models"
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = var.allow_public ? toset(["allUsers"]) : var.invokers

  name     = google_cloud_run_v2_service.scoring.name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value
}
