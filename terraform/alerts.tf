# Alerts: each names a person's next step, the entry of its name in docs/operate.md. Those below are over what Google
# measures; those over what Surety measures itself are in ../infra/monitoring/alerts.yaml.
locals {
  uptime_check = google_monitoring_uptime_check_config.scoring.uptime_check_id

  # What is counted, without the window that stands behind it.
  answers       = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=~\"${join("|", local.scoring_services)}\"}"
  errors        = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=~\"${join("|", local.scoring_services)}\",response_code_class=\"5xx\"}"
  latencies     = "run_googleapis_com:request_latencies_bucket{monitored_resource=\"cloud_run_revision\",service_name=~\"${join("|", local.scoring_services)}\"}"
  starts        = "run_googleapis_com:container_startup_latencies_bucket{monitored_resource=\"cloud_run_revision\",service_name=~\"${join("|", local.scoring_services)}\"}"
  start_count   = "run_googleapis_com:container_startup_latencies_count{monitored_resource=\"cloud_run_revision\",service_name=~\"${join("|", local.scoring_services)}\"}"
  retrain_fails = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=\"${google_cloud_run_v2_service.retrain.name}\",response_code_class=\"5xx\"}"
  failed_runs   = "run_googleapis_com:job_completed_execution_count{monitored_resource=\"cloud_run_job\",job_name=~\"${var.environment}-train-.*\",result=\"failed\"}"
  passed_checks = "monitoring_googleapis_com:uptime_check_check_passed{monitored_resource=\"uptime_url\",check_id=\"${local.uptime_check}\"}"
  sink_errors   = "logging_googleapis_com:exports_error_count{monitored_resource=\"logging_sink\",name=\"${google_logging_project_sink.decisions.name}\"}"
  exported      = "logging_googleapis_com:exports_log_entry_count{monitored_resource=\"logging_sink\",name=\"${google_logging_project_sink.decisions.name}\"}"
  model_ages    = "logging_googleapis_com:user_${google_logging_metric.model_age.name}_bucket{monitored_resource=\"cloud_run_revision\"}"

  # A day's copy and an hour more. Of objects that the copy has already, Storage Transfer counts that it skipped them.
  copied_lately = concat(
    [for id in local.copy_configs : "bigquerydatatransfer_googleapis_com:transfer_config_completed_runs{monitored_resource=\"bigquery_dts_config\",config_id=\"${id}\",completion_state=\"SUCCEEDED\"}"],
    [for name in local.transfer_jobs : "storagetransfer_googleapis_com:transferjob_copied_objects_count{monitored_resource=\"storage_transfer_job\",job_id=~\"(.*/)?${name}\",status=~\"succeeded|skipped\"}"],
  )
  copy_errors   = [for name in local.transfer_jobs : "storagetransfer_googleapis_com:transferjob_error_count{monitored_resource=\"storage_transfer_job\",job_id=~\"(.*/)?${name}\"}"]
  copy_configs  = [for config in google_bigquery_data_transfer_config.backup : reverse(split("/", config.name))[0]]
  transfer_jobs = [for job in google_storage_transfer_job.backup : reverse(split("/", job.name))[0]]

  counted = {
    for name, metric in google_logging_metric.counter :
    name => "logging_googleapis_com:user_${metric.name}{monitored_resource=\"${lookup({ drift = "build", drift_none = "build", schedule_failures = "cloud_scheduler_job" }, name, "cloud_run_revision")}\"}"
  }

  # How fast the month's allowance of 0.1 % failures is spent: the long window is worth waking someone, the short
  # one ends the alert soon after the trouble ends. A service that hardly anyone calls fails a large share with
  # two failures; the least number keeps those from waking anyone.
  burn = {
    for name, rate in { fast = { factor = 14.4, long = "1h", short = "5m" }, slow = { factor = 6, long = "6h", short = "30m" } } :
    name => join(" and ", concat(
      [
        for window in [rate.long, rate.short] :
        "(sum(rate(${local.errors}[${window}])) / sum(rate(${local.answers}[${window}]))) > ${rate.factor} * 0.001"
      ],
      ["sum(increase(${local.errors}[${rate.long}])) >= 10"],
    ))
  }

  alerts = merge(local.always, local.with_batch, local.with_drift_check, local.with_backup, local.with_pipeline, local.with_lending, local.with_dashboard, local.with_prometheus)

  # Google looks at 25 hours at most: the window of a query and the time that it must hold.
  pipeline_runs = "run_googleapis_com:job_completed_execution_count{monitored_resource=\"cloud_run_job\",job_name=~\"${var.environment}-pipeline-.*\""
  with_pipeline = !var.enable_pipeline ? {} : {
    pipeline-failed = {
      severity = "WARNING"
      duration = "0s"
      query    = "sum by (job_name) (increase(${local.pipeline_runs},result=\"failed\"}[1h])) > 0"
      text     = "A step of the data pipeline failed, its retry included. What depends on it refuses to go on."
    }
    pipeline-overdue = {
      severity = "WARNING"
      duration = "3600s"
      query    = "(sum(increase(${replace(local.pipeline_runs, ".*", "features")},result=\"succeeded\"}[24h])) or vector(0)) < 1"
      text     = "For over a day no features have been computed."
    }
  }

  # A task is tried four times, and an event for a day: what failed then stays undone.
  with_batch = !var.enable_batch ? {} : {
    batch-failed = {
      severity = "WARNING"
      duration = "0s"
      query    = "sum(increase(run_googleapis_com:job_completed_execution_count{monitored_resource=\"cloud_run_job\",job_name=\"${var.environment}-batch\",result=\"failed\"}[1h])) > 0 or sum(increase(run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=~\"${var.environment}-batch(-api)?\",response_code_class=\"5xx\"}[1h])) >= 3"
      text     = "A file was not scored: its job failed, retries included, or events of the inbox or callers of the API are answered by 5xx."
    }
  }

  lending_answers = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=\"${var.environment}-lending\""
  lending_runs    = "run_googleapis_com:job_completed_execution_count{monitored_resource=\"cloud_run_job\",job_name=~\"${var.environment}-lending-.*\""
  database        = "monitored_resource=\"cloudsql_database\",database_id=\"${var.project_id}:${local.database_name}\""
  with_lending = !var.enable_lending ? {} : {
    lending-errors = {
      severity = "WARNING"
      duration = "300s"
      query    = "(sum(rate(${local.lending_answers},response_code_class=\"5xx\"}[5m])) / sum(rate(${local.lending_answers}}[5m]))) > ${var.alert_server_error_share} and sum(increase(${local.lending_answers},response_code_class=\"5xx\"}[5m])) >= 3"
      text     = "More than the allowed share of the loan book's requests was answered by a 5xx for five minutes."
    }
    lending-failed = {
      severity = "WARNING"
      duration = "0s"
      query    = "sum by (job_name) (increase(${local.lending_runs},result=\"failed\"}[1h])) > 0"
      text     = "A job of the loan book failed, its retry included. A check that fails has found a difference between the book and its facts."
    }
    lending-overdue = {
      severity = "WARNING"
      duration = "3600s"
      query    = join(" or ", [for job in ["close", "check"] : "(sum(increase(${replace(local.lending_runs, ".*", job)},result=\"succeeded\"}[24h])) or vector(0)) < 1"])
      text     = "For over a day no business day was closed, or the book was not checked."
    }
    database-down = {
      severity = "CRITICAL"
      duration = "120s"
      query    = "(max(max_over_time(cloudsql_googleapis_com:database_up{${local.database}}[5m])) or vector(0)) < 1"
      text     = "The loan book's database is not up: every request of the loan book is answered by a 503."
    }
    database-full = {
      severity = "WARNING"
      duration = "600s"
      query    = "max(cloudsql_googleapis_com:database_disk_utilization{${local.database}}) > 0.9"
      text     = "The disk of the loan book's database is over 90 % full, although it grows by itself."
    }
  }

  dashboard_answers = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=\"${var.environment}-dashboard\""
  with_dashboard = !var.enable_dashboard ? {} : {
    dashboard-errors = {
      severity = "WARNING"
      duration = "300s"
      query    = "(sum(rate(${local.dashboard_answers},response_code_class=\"5xx\"}[5m])) / sum(rate(${local.dashboard_answers}}[5m]))) > ${var.alert_server_error_share} and sum(increase(${local.dashboard_answers},response_code_class=\"5xx\"}[5m])) >= 3"
      text     = "More than the allowed share of the dashboard's requests was answered by a 5xx for five minutes: people cannot open pages."
    }
  }

  # Compiled by `make alerts`; the sidecar brings the figures.
  with_prometheus = {
    for name, alert in jsondecode(file("${path.module}/../infra/monitoring/google_alerts.json")) : name => alert
    if var.enable_prometheus
  }

  with_drift_check = { for name in local.drift :
    "drift-unchecked" => {
      severity = "WARNING"
      duration = "3600s"
      query    = "(sum(increase(${local.counted.drift_none}[24h])) or vector(0)) < 1 unless sum(increase(${local.counted.drift}[24h])) > 0"
      text     = "For over a day no plan has compared what exists with what was applied last."
    }
  }

  with_backup = { for name in local.backups :
    "copies-missing" => {
      severity = "WARNING"
      duration = "3600s"
      query = join(" or ", concat(
        [for copied in local.copied_lately : "(sum(increase(${copied}[24h])) or vector(0)) < 1"],
        [for errors in local.copy_errors : "sum(increase(${errors}[24h])) > 0"],
      ))
      text = "For over a day models, anchors or decisions were not copied to the second region, or not all of them."
    }
  }

  always = {
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
      query    = "(sum(rate(${local.errors}[5m])) / sum(rate(${local.answers}[5m]))) > ${var.alert_server_error_share} and sum(increase(${local.errors}[5m])) >= 3"
      text     = "More than the allowed share of requests was answered by a 5xx for five minutes."
    }
    latency = {
      severity = "WARNING"
      duration = "300s"
      query    = "histogram_quantile(0.95, sum by (le) (rate(${local.latencies}[5m]))) > ${var.alert_latency_ms} and sum(increase(${local.answers}[5m])) >= 20"
      text     = "The 95th percentile of request latencies is too long for five minutes."
    }
    cold-start = {
      severity = "WARNING"
      duration = "0s"
      query    = "histogram_quantile(0.95, sum by (le) (increase(${local.starts}[1h]))) > ${var.alert_cold_start_ms} and sum(increase(${local.start_count}[1h])) >= 3"
      text     = "New instances take too long to start."
    }
    # Every place asks once in five minutes. Six minutes in which none was answered, and two more to be sure, are
    # an alert within nine minutes.
    uptime = {
      severity = "CRITICAL"
      duration = "120s"
      query    = "max(max_over_time(${local.passed_checks}[6m])) < 1"
      text     = "Monitoring cannot reach the scoring service from outside."
    }
    model-age = {
      severity = "WARNING"
      duration = "0s"
      query    = "histogram_quantile(0.99, sum by (le, model) (increase(${local.model_ages}[1h]))) > ${var.alert_model_age_days}"
      text     = "A champion is older than it should be: training keeps rejecting, or does not run."
    }
    reload-failures = {
      severity = "WARNING"
      duration = "0s"
      query    = "sum by (model) (increase(${local.counted.reload_failures}[15m])) > 0"
      text     = "An instance could not take up what the pointer names; what served before still serves."
    }
    decisions-lost = {
      severity = "CRITICAL"
      duration = "0s"
      query    = "sum(increase(${local.sink_errors}[15m])) > 0"
      text     = "Decision records could not be written to BigQuery."
    }
    training-failed = {
      severity = "WARNING"
      duration = "0s"
      query    = "sum by (job_name) (increase(${local.failed_runs}[1h])) > 0"
      text     = "A training run failed, its retry included. The champion is unchanged."
    }
    training-overdue = {
      severity = "WARNING"
      duration = "0s"
      query    = "sum by (model) (increase(${local.counted.training_overdue}[1h])) > 0"
      text     = "No training run of a model has succeeded for longer than training_overdue_days."
    }
    # A sink that is deleted, disabled or filtered otherwise has no errors: what is written is compared with what
    # leaves. All missing is seen with the first decision, a part missing from 100 decisions an hour on.
    decisions-unexported = {
      severity = "CRITICAL"
      duration = "600s"
      query    = "(sum(increase(${local.counted.decision_records}[30m])) > 0 unless sum(increase(${local.exported}[1h])) > 0) or (1 - sum(increase(${local.exported}[1h])) / sum(increase(${local.counted.decision_records}[1h])) > 0.1 and sum(increase(${local.counted.decision_records}[1h])) >= 100)"
      text     = "Decisions are written, and not all of them leave for BigQuery."
    }
    # An instance tries again every minute; one failure is none.
    anchors-failing = {
      severity = "WARNING"
      duration = "0s"
      query    = "sum(increase(${local.counted.anchor_failures}[30m])) >= 3"
      text     = "Heads of the decision log's chains are not being anchored."
    }
    retrain-errors = {
      severity = "WARNING"
      duration = "0s"
      query    = "sum(increase(${local.retrain_fails}[1h])) > 0"
      text     = "The retrain service answered with a 5xx; while it does, nobody notices an overdue training."
    }
    schedule-failed = {
      severity = "WARNING"
      duration = "0s"
      query    = "sum by (job) (increase(${local.counted.schedule_failures}[1h])) > 0"
      text     = "Cloud Scheduler could not start a training run, the daily check of one, or the daily plan."
    }
    drift = {
      severity = "WARNING"
      duration = "0s"
      query    = "sum(increase(${local.counted.drift}[1h])) > 0"
      text     = "What exists is not what was applied last, or could not be compared with it."
    }
  }

  channels = concat(
    [for channel in google_monitoring_notification_channel.email : channel.id],
    tolist(var.notification_channels),
  )
  channels_by_severity = {
    CRITICAL = concat(tolist(setsubtract(var.urgent_channels, var.notification_channels)), local.channels)
    WARNING  = local.channels
  }
}

resource "google_monitoring_alert_policy" "scoring" {
  for_each = local.alerts

  display_name          = "${var.environment}: ${each.key}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels_by_severity[each.value.severity]

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

check "alerts_reach_someone" {
  assert {
    condition     = length(var.alert_emails) + length(var.notification_channels) + length(var.urgent_channels) > 0
    error_message = "No alert reaches anybody, not even a CRITICAL one: set alert_emails or notification_channels."
  }
}

check "critical_alerts_wake_someone" {
  assert {
    condition     = length(var.urgent_channels) > 0
    error_message = "A CRITICAL alert reaches nobody otherwise than a WARNING does: set urgent_channels to what wakes the person on call."
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
    projects = ["projects/${local.project_number}"]
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
