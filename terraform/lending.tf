# With enable_lending: the loan book, a service over the database of database.tf. What it does by the clock is in
# lending_jobs.tf.
locals {
  # Whether there is no way around the load balancer.
  is_lending_edge_only = var.lending.domain != null && var.lending.ingress == "internal-and-cloud-load-balancing"

  lending_secrets = { for name, reference in var.lending.secrets : name => zipmap(["secret", "version"], split(":", reference)) }

  lending_tokens = var.lending.jwt == null ? {} : {
    JWT_ALGORITHMS  = join(",", var.lending.jwt.algorithms)
    JWT_AUDIENCE    = var.lending.jwt.audience
    JWT_ISSUER      = var.lending.jwt.issuer
    JWT_JWKS        = var.lending.jwt.jwks
    JWT_ROLES_CLAIM = var.lending.jwt.roles_claim
  }

  # Scoring is asked with a Google ID token where Cloud Run checks its callers, else with SCORING_KEY of the secrets.
  asking = merge(
    { SCORING_MODEL = var.lending.model, SCORING_URL = local.scoring_url },
    var.auth == "iam" ? { SCORING_KEY = "iam" } : {},
    var.lending.settings,
  )

  lending_settings = merge(var.lending.auth == "jwt" ? local.lending_tokens : {}, local.tracing, local.asking, {
    AUTH                 = var.lending.auth
    DATABASE_CONNECTIONS = tostring(var.lending.connections)
    DATABASE_URL         = local.database_urls.lending
    FORWARDED_HOPS       = local.is_lending_edge_only ? "2" : "1" # as of scoring
  })
}

resource "google_cloud_run_v2_service" "lending" {
  for_each = local.lending

  name                = "${var.environment}-lending"
  location            = var.region
  ingress             = { all = "INGRESS_TRAFFIC_ALL", internal = "INGRESS_TRAFFIC_INTERNAL_ONLY", internal-and-cloud-load-balancing = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" }[var.lending.ingress]
  custom_audiences    = var.lending.domain == null ? null : ["https://${var.lending.domain}"]
  deletion_protection = var.deletion_protection

  scaling {
    min_instance_count = var.lending.min_instances
  }

  dynamic "binary_authorization" {
    for_each = var.enable_binary_authorization ? ["project"] : []

    content {
      use_default = true
    }
  }

  template {
    service_account                  = local.accounts.lending
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    max_instance_request_concurrency = 40
    timeout                          = "60s"

    scaling {
      max_instance_count = var.lending.max_instances
    }

    # Only what is in the network goes through it: the database's address. Scoring is asked as everybody asks it.
    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        subnetwork = local.lending_subnet
      }
    }

    containers {
      name    = "lending"
      image   = coalesce(var.lending_image, local.placeholder_image)
      command = var.lending_image == null ? local.placeholder : null

      ports {
        name           = "http1"
        container_port = 8080
      }

      resources {
        limits            = { cpu = "1", memory = var.lending.memory }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = local.lending_settings

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.lending_secrets

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

  depends_on = [google_compute_forwarding_rule.lending]
}

# Cloud Run checks who calls; who the person is, and of which branch, is in the token that the service checks.
resource "google_cloud_run_v2_service_iam_member" "lending_invoker" {
  for_each = var.enable_lending ? var.lending.invokers : toset([])

  name     = google_cloud_run_v2_service.lending["lending"].name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value
}

# As of scoring: moving traffic takes the right to act as the service's account too.
resource "google_cloud_run_v2_service_iam_member" "responder_repairs_lending" {
  for_each = var.enable_lending ? var.responders : toset([])

  name     = google_cloud_run_v2_service.lending["lending"].name
  location = var.region
  role     = "roles/run.developer"
  member   = each.value
}

# Applications are decided by scoring: at once by the service, later by the sweep.
resource "google_cloud_run_v2_service_iam_member" "lending_asks" {
  for_each = var.enable_lending ? toset(["lending", "sweep"]) : toset([])

  name     = google_cloud_run_v2_service.scoring.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.accounts[each.key]}"
}
