# What is watched: figures read from log lines, an uptime check, the objective, the dashboard.
locals {
  service_logs = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(\"${join("\" OR \"", local.scoring_services)}\")"
  retrain_logs = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${google_cloud_run_v2_service.retrain.name}\""

  # Log metrics count lines that an exclusion keeps out of the log.
  counters = {
    anchor_failures   = { filter = "${local.service_logs} AND jsonPayload.message=\"chain head not anchored\"", labels = {} }
    decision_records  = { filter = local.decisions, labels = { model = "jsonPayload.model" } }
    drift             = { filter = "resource.type=\"build\" AND textPayload:\"surety drift ${var.environment}:\" AND NOT textPayload:\"drift ${var.environment}: none\"", labels = {} }
    drift_none        = { filter = "resource.type=\"build\" AND textPayload:\"surety drift ${var.environment}: none\"", labels = {} }
    reload_failures   = { filter = "${local.service_logs} AND jsonPayload.message=(\"model not refreshed\" OR \"challenger not loaded\")", labels = { model = "jsonPayload.model" } }
    schedule_failures = { filter = "resource.type=\"cloud_scheduler_job\" AND resource.labels.job_id=~\"^${var.environment}-(train|watch|drift|pipeline|lending)\" AND severity>=ERROR", labels = { job = "resource.labels.job_id" } }
    training_overdue  = { filter = "${local.retrain_logs} AND jsonPayload.message=\"training overdue\"", labels = { model = "jsonPayload.model" } }
  }
}

resource "google_logging_metric" "counter" {
  for_each = local.counters

  name             = "surety_${var.environment}_${each.key}"
  filter           = each.value.filter
  label_extractors = { for name, field in each.value.labels : name => "EXTRACT(${field})" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    dynamic "labels" {
      for_each = each.value.labels

      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }
}

# By these a release compares approval rates: ../infra/google_api.py. A record says how many decisions of each kind it holds.
resource "google_logging_metric" "decisions" {
  for_each = toset(["approved", "referred", "declined"])

  name             = "surety_${var.environment}_decisions_${each.key}"
  filter           = "${local.decisions} AND jsonPayload.${each.key}>0"
  value_extractor  = "EXTRACT(jsonPayload.${each.key})"
  label_extractors = { model = "EXTRACT(jsonPayload.model)" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "1"

    labels {
      key        = "model"
      value_type = "STRING"
    }
  }

  bucket_options {
    exponential_buckets {
      num_finite_buckets = 10
      growth_factor      = 2
      scale              = 1
    }
  }
}

resource "google_logging_metric" "model_age" {
  name             = "surety_${var.environment}_model_age_days"
  filter           = "${local.service_logs} AND jsonPayload.message=\"model loaded\""
  value_extractor  = "EXTRACT(jsonPayload.age_days)"
  label_extractors = { model = "EXTRACT(jsonPayload.model)" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "d"

    labels {
      key        = "model"
      value_type = "STRING"
    }
  }

  bucket_options {
    linear_buckets {
      num_finite_buckets = 120
      width              = 1
      offset             = 0
    }
  }
}

data "google_project" "here" {
  project_id = var.project_id
}

locals {
  project_number = data.google_project.here.number
}

# Monitoring calls with an identity of its own, so the service need not be public to be checked.
resource "google_cloud_run_v2_service_iam_member" "uptime" {
  name     = google_cloud_run_v2_service.scoring.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:service-${local.project_number}@gcp-sa-monitoring-notification.iam.gserviceaccount.com"
}

resource "google_monitoring_uptime_check_config" "scoring" {
  display_name = "${var.environment}-scoring"
  period       = "300s"
  timeout      = "10s"

  http_check {
    path         = "/health/live"
    port         = 443
    use_ssl      = true
    validate_ssl = true

    service_agent_authentication {
      type = "OIDC_TOKEN"
    }
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project_id
      host       = var.edge_only ? var.domain : trimprefix(local.scoring_uri, "https://")
    }
  }

  # Another address is another check, and an alert names this one: first the new check, then the alert, then the old goes.
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_monitoring_service" "scoring" {
  service_id   = "${var.environment}-scoring"
  display_name = "${var.environment}-scoring"

  basic_service {
    service_type = "CLOUD_RUN"
    service_labels = {
      service_name = google_cloud_run_v2_service.scoring.name
      location     = var.region
    }
  }
}

resource "google_monitoring_slo" "availability" {
  service             = google_monitoring_service.scoring.service_id
  slo_id              = "availability"
  display_name        = "99.9 % of requests are not answered by a 5xx, over 28 days"
  goal                = 0.999
  rolling_period_days = 28

  basic_sli {
    availability {
      enabled = true
    }
  }
}

resource "google_monitoring_dashboard" "scoring" {
  dashboard_json = templatefile("${path.module}/../infra/monitoring/dashboard.json", {
    environment = var.environment
    service     = google_cloud_run_v2_service.scoring.name
  })
}
