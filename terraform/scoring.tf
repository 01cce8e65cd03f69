locals {
  # Any public image with Python; the first release replaces image and command.
  placeholder_image = "python:3.11-slim-bookworm"
  placeholder       = ["python", "-c", file("${path.module}/../infra/placeholder.py")]

  tokens = var.jwt == null ? {} : {
    JWT_ALGORITHMS  = join(",", var.jwt.algorithms)
    JWT_AUDIENCE    = var.jwt.audience
    JWT_ISSUER      = var.jwt.issuer
    JWT_JWKS        = var.jwt.jwks
    JWT_ROLES_CLAIM = var.jwt.roles_claim
  }

  settings = merge(var.auth == "jwt" ? local.tokens : {}, {
    AUTH                  = var.auth
    CORS_ORIGINS          = join(",", var.cors_origins)
    CREDIT_MODELS         = join(",", var.credit_models)
    DECISION_ANCHOR_STORE = "gs://${google_storage_bucket.evidence.name}"
    DECISION_LOG          = "stdout"
    DEFAULT_MODEL         = var.default_model
    MODEL_REFRESH_SECONDS = tostring(var.model_refresh_seconds)
    MODEL_STORE           = "gs://${google_storage_bucket.models.name}"
    RATE_LIMIT            = var.rate_limit
    # The load balancer appends its own address after the caller's. While there is a way around it,
    # two hops would let callers on that way name any address.
    FORWARDED_HOPS = var.edge_only ? "2" : "1"
  })
}

# The scoring service scales from zero and loads the champion on its first request.
resource "google_cloud_run_v2_service" "scoring" {
  name                = "${var.environment}-scoring"
  location            = var.region
  ingress             = var.edge_only ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" : "INGRESS_TRAFFIC_ALL"
  custom_audiences    = var.enable_edge ? ["https://${var.domain}"] : null
  deletion_protection = var.deletion_protection

  template {
    service_account                  = local.accounts.scoring
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    max_instance_request_concurrency = var.concurrency
    timeout                          = "30s"

    scaling {
      min_instance_count = var.min_instances
      max_instance_count = var.max_instances
    }

    containers {
      name    = "scoring"
      image   = coalesce(var.scoring_image, local.placeholder_image)
      command = var.scoring_image == null ? local.placeholder : null

      ports {
        name           = "http1"
        container_port = 8080
      }

      resources {
        limits            = { cpu = "1", memory = var.scoring_memory }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = local.settings

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secrets

        content {
          name = env.key

          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
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

      liveness_probe {
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

    # Google's managed Prometheus reads /metrics from within the instance, on port 8080.
    dynamic "containers" {
      for_each = var.enable_prometheus ? [var.prometheus_image] : []

      content {
        name       = "prometheus"
        image      = containers.value
        depends_on = ["scoring"]

        resources {
          limits   = { cpu = "1", memory = "256Mi" }
          cpu_idle = true
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

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = var.allow_public ? toset(["allUsers"]) : var.invokers

  name     = google_cloud_run_v2_service.scoring.name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value
}
