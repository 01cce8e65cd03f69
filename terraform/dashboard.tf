# With enable_dashboard: what people look at. It calls the loan book and the scoring service with their tokens, and has
# no bucket and no database.
locals {
  dashboard = var.enable_dashboard ? toset(["dashboard"]) : toset([])

  dashboard_secrets = { for name, reference in var.dashboard.secrets : name => zipmap(["secret", "version"], split(":", reference)) }

  # The tokens are those of the loan book; here they guard /metrics.
  dashboard_settings = merge(var.dashboard.settings, local.lending_tokens, {
    AUTH               = "jwt"
    DASHBOARD_IDENTITY = "google"
    DASHBOARD_URL      = var.dashboard.url
    FORWARDED_HOPS     = "1"
    LENDING_URL        = one([for service in google_cloud_run_v2_service.lending : service.uri])
    OIDC_CLIENT_ID     = var.dashboard.client_id
    OIDC_METADATA_URL  = var.dashboard.metadata_url
    OIDC_SCOPE         = var.dashboard.scope
    OIDC_TOKEN         = var.dashboard.token
    },
    local.dashboard_asks_scoring ? { DASHBOARD_SCORING_URL = local.scoring_url } : {},
    local.dashboard_asks_batches ? { DASHBOARD_BATCH_URL = google_cloud_run_v2_service.batch["batch-api"].uri } : {},
  )

  # The loan book's tokens are the API's, too: enable_dashboard needs lending.auth = "jwt".
  dashboard_asks_batches = var.enable_dashboard && var.enable_batch

  # Only where scoring checks the tokens of people: with auth = "iam" it would answer the dashboard whoever asks.
  dashboard_asks_scoring = var.enable_dashboard && var.auth == "jwt"
}

resource "google_cloud_run_v2_service" "dashboard" {
  for_each = local.dashboard

  name     = "${var.environment}-dashboard"
  location = var.region
  ingress  = { all = "INGRESS_TRAFFIC_ALL", internal = "INGRESS_TRAFFIC_INTERNAL_ONLY", internal-and-cloud-load-balancing = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" }[var.dashboard.ingress]
  # A browser has no identity that Cloud Run could check: people sign in at the issuer.
  invoker_iam_disabled = true
  deletion_protection  = var.deletion_protection

  scaling {
    min_instance_count = var.dashboard.min_instances
  }

  dynamic "binary_authorization" {
    for_each = var.enable_binary_authorization ? ["project"] : []

    content {
      use_default = true
    }
  }

  template {
    service_account       = local.accounts.dashboard
    execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
    # A session is a connection that stays open, and lives in one instance.
    session_affinity                 = true
    timeout                          = "3600s"
    max_instance_request_concurrency = var.dashboard.sessions

    scaling {
      max_instance_count = var.dashboard.max_instances
    }

    containers {
      name    = "dashboard"
      image   = coalesce(var.dashboard_image, local.placeholder_image)
      command = var.dashboard_image == null ? local.placeholder : null

      ports {
        name           = "http1"
        container_port = 8080
      }

      resources {
        limits            = { cpu = "1", memory = var.dashboard.memory }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = local.dashboard_settings

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.dashboard_secrets

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

# Cloud Run checks the dashboard's own token; who the person is stands in the token beside it.
resource "google_cloud_run_v2_service_iam_member" "dashboard_asks_lending" {
  for_each = local.dashboard

  name     = google_cloud_run_v2_service.lending["lending"].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.accounts.dashboard}"
}

resource "google_cloud_run_v2_service_iam_member" "dashboard_asks_scoring" {
  for_each = local.dashboard_asks_scoring ? local.dashboard : toset([])

  name     = google_cloud_run_v2_service.scoring.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.accounts.dashboard}"
}

resource "google_cloud_run_v2_service_iam_member" "dashboard_asks_batches" {
  for_each = local.dashboard_asks_batches ? local.dashboard : toset([])

  name     = google_cloud_run_v2_service.batch["batch-api"].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.accounts.dashboard}"
}

# As of scoring: moving traffic takes the right to act as the service's account too.
resource "google_cloud_run_v2_service_iam_member" "responder_repairs_dashboard" {
  for_each = var.enable_dashboard ? var.responders : toset([])

  name     = google_cloud_run_v2_service.dashboard["dashboard"].name
  location = var.region
  role     = "roles/run.developer"
  member   = each.value
}
