# Alerts: each names a person's next step, the entry of its name in docs/operate.md.
locals {
  requests = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=\"${google_cloud_run_v2_service.scoring.name}\"}"
  errors   = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=\"${google_cloud_run_v2_service.scoring.name}\",response_code_class=\"5xx\"}"

  # How fast the month's allowance of 0.1 % failures is spent: the long window is worth waking
  # someone, the short one ends the alert soon after the trouble ends.
  burn = {
    for name, rate in { fast = { factor = 14.4, long = "1h", short = "5m" }, slow = { factor = 6, long = "6h", short = "30m" } } :
    name => join(" and ", [
      for window in [rate.long, rate.short] :
      "(sum(rate(${replace(local.errors, "}", "}[${window}]")})) / sum(rate(${replace(local.requests, "}", "}[${window}]")}))) > ${rate.factor} * 0.001"
    ])
  }

  alerts = {
    error-budget-fast = {
      severity = "CRITICAL"
      duration = "0s"
      query    = local.burn.fast
      text     = "At this rate the month's error budget is gone in two days."
    }
    error-budget-slow = {
      severity = "WARNING"
      duration = "0s"
      query    = local.burn.slow
      text     = "At this rate the month's error budget is gone in five days."
    }
    server-errors = {
      severity = "WARNING"
      duration = "300s"
      query    = "(sum(rate(${local.errors}[5m])) / sum(rate(${local.requests}[5m]))) > ${var.alert_server_error_share}"
      text     = "More than the allowed share of requests was answered by a 5xx for five minutes."
    }
    latency = {
      severity = "WARNING"
      duration = "300s"
      query    = "histogram_quantile(0.95, sum by (le) (rate(run_googleapis_com:request_latencies_bucket{monitored_resource=\"cloud_run_revision\",service_name=\"${google_cloud_run_v2_service.scoring.name}\"}[5m]))) > ${var.alert_latency_ms}"
      text     = "The 95th percentile of request latencies is too long for five minutes."
    }
    cold-start = {
      severity = "WARNING"
      duration = "0s"
      query    = "histogram_quantile(0.95, sum by (le) (increase(run_googleapis_com:container_startup_latencies_bucket{monitored_resource=\"cloud_run_revision\",service_name=\"${google_cloud_run_v2_service.scoring.name}\"}[1h]))) > ${var.alert_cold_start_ms}"
      text     = "New instances take too long to start."
    }
    uptime = {
      severity = "CRITICAL"
      duration = "600s"
      query    = "max(avg_over_time(monitoring_googleapis_com:uptime_check_check_passed{monitored_resource=\"uptime_url\",check_id=\"${google_monitoring_uptime_check_config.scoring.uptime_check_id}\"}[10m])) < 0.5"
      text     = "Monitoring cannot reach the scoring service from outside."
    }
    model-age = {
      severity = "WARNING"
      duration = "0s"
      query    = "histogram_quantile(0.99, sum by (le, model) (increase(logging_googleapis_com:user_${google_logging_metric.model_age.name}_bucket{monitored_resource=\"cloud_run_revision\"}[1h]))) > ${var.alert_model_age_days}"
      text     = "A champion is older than it should be: training keeps rejecting, or does not run."
    }
    reload-failures = {
      severity = "WARNING"
      duration = "0s"
      query    = "sum by (model) (increase(logging_googleapis_com:user_${google_logging_metric.counter["reload_failures"].name}{monitored_resource=\"cloud_run_revision\"}[15m])) > 0"
      text     = "An instance could not take up what the pointer names; what served before still serves."
    }
    decisions-lost = {
      severity = "CRITICAL"
      duration = "0s"
      query    = "sum(increase(logging_googleapis_com:exports_error_count{monitored_resource=\"logging_sink\",name=\"${google_logging_project_sink.decisions.name}\"}[15m])) > 0"
      text     = "Decision records could not be written to BigQuery."
    }
    training-failed = {
      severity = "WARNING"
      duration = "0s"
      query    = "sum by (job_name) (increase(run_googleapis_com:job_completed_execution_count{monitored_resource=\"cloud_run_job\",job_name=~\"${var.environment}-train-.*\",result=\"failed\"}[1h])) > 0"
      text     = "A training run failed, its retry included. The champion is unchanged."
    }
    training-overdue = {
      severity = "WARNING"
      duration = "0s"
      query    = "sum by (model) (increase(logging_googleapis_com:user_${google_logging_metric.counter["training_overdue"].name}{monitored_resource=\"cloud_run_revision\"}[1h])) > 0"
      text     = "No training run of a model has succeeded for longer than training_overdue_days."
    }
  }

  channels = concat(
    [for channel in google_monitoring_notification_channel.email : channel.id],
    tolist(var.notification_channels),
  )
}

resource "google_monitoring_alert_policy" "scoring" {
  for_each = local.alerts

  display_name          = "${var.environment}: ${each.key}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.key

    condition_prometheus_query_language {
      query               = each.value.query
      duration            = each.value.duration
      evaluation_interval = "60s"
      # A metric exists from its first sample on, which may be weeks after the alert.
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "Surety ${var.environment}: ${each.key}"
    content   = "${each.value.text}\n\nWhat to do: `docs/operate.md`, entry `${each.key}`."
  }

  alert_strategy {
    auto_close = "3600s"
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.alert_emails

  display_name = "${var.environment}: ${each.value}"
  type         = "email"

  labels = {
    email_address = each.value
  }
}

resource "google_billing_budget" "project" {
  for_each = var.billing_account == null ? toset([]) : toset([var.billing_account])

  billing_account = each.value
  display_name    = "${var.project_id}: ${var.environment}"

  budget_filter {
    projects = ["projects/${data.google_project.here.number}"]
  }

  amount {
    specified_amount {
      units = tostring(var.budget_amount)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]

    content {
      threshold_percent = threshold_rules.value
    }
  }

  # Without a channel the billing account's administrators are told.
  dynamic "all_updates_rule" {
    for_each = length(local.channels) == 0 ? [] : [slice(local.channels, 0, min(5, length(local.channels)))]

    content {
      monitoring_notification_channels = all_updates_rule.value
    }
  }
}
