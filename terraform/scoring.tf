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

  # A line of the log names the trace of its request, and with an address spans are sent to a collector.
  tracing = merge(
    { TRACE_PROJECT = var.project_id },
    var.otlp_traces_endpoint == null ? {} : { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = var.otlp_traces_endpoint },
  )

  # What the pipeline publishes of applicants stands beside the models.
  features = var.enable_pipeline ? { FEATURE_STORE_URI = "gs://${google_storage_bucket.models.name}" } : {}

  settings = merge(var.auth == "jwt" ? local.tokens : {}, local.tracing, local.features, {
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

  secrets = { for name, reference in var.secrets : name => zipmap(["secret", "version"], split(":", reference)) }

  scoring_uri = google_cloud_run_v2_service.scoring.uri
}

# The scoring service scales from zero and loads the champion on its first request.
resource "google_cloud_run_v2_service" "scoring" {
  name             = "${var.environment}-scoring"
  location         = var.region
  ingress          = var.edge_only ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" : "INGRESS_TRAFFIC_ALL"
  custom_audiences = var.enable_edge ? ["https://${var.domain}"] : null
  # Public means that Cloud Run asks nobody who they are. The member `allUsers` would do the same, and is
  # refused wherever an organisation shares with its own domain only, which is Google's default.
  invoker_iam_disabled = var.allow_public
  deletion_protection  = var.deletion_protection

  # The least number of instances is the service's. A revision's own would hold for every revision that has a
  # tag, such as the one that a rollback returns to, and cost as much again for each.
  scaling {
    min_instance_count = var.min_instances
  }

  dynamic "binary_authorization" {
    for_each = var.enable_binary_authorization ? ["project"] : []

    content {
      use_default = true
    }
  }

  template {
    service_account                  = local.accounts.scoring
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    max_instance_request_concurrency = var.concurrency
    timeout                          = "30s"

    scaling {
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
        limits = { cpu = "1", memory = var.scoring_memory }
        # The sidecar collects between requests, so with it an instance has its CPU all the time.
        cpu_idle          = !var.enable_prometheus
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
        for_each = local.secrets

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
          cpu_idle = false
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

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = var.invokers

  name     = google_cloud_run_v2_service.scoring.name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value
}

# Whoever is on call moves traffic and restarts the service. It takes the right to act as the service's account
# too, which bootstrap/ gives; both together can deploy any image under that account.
resource "google_cloud_run_v2_service_iam_member" "responder_repairs" {
  for_each = var.responders

  name     = google_cloud_run_v2_service.scoring.name
  location = var.region
  role     = "roles/run.developer"
  member   = each.value
}
