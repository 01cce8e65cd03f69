# What a plan cannot say: who is known only after an apply, and what images change.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

override_resource {
  target = google_bigquery_connection.scoring
  values = { cloud_resource = { service_account_id = "connection@example.iam.gserviceaccount.com" } }
}

override_resource {
  target = google_cloud_run_v2_service.scoring
  values = { uri = "https://prod-scoring.example.run.app" }
}

override_resource {
  target = google_logging_project_sink.decisions
  values = { writer_identity = "serviceAccount:writer@example.iam.gserviceaccount.com" }
}

override_resource {
  target = google_monitoring_uptime_check_config.scoring
  values = { uptime_check_id = "prod-scoring-1234" }
}

variables {
  project_id            = "example-project"
  urgent_channels       = ["projects/example-project/notificationChannels/1"]
  alert_emails          = ["oncall@example.com"]
  billing_account       = "012345-6789AB-CDEF01"
  enable_bigquery       = true
  notification_channels = ["projects/example-project/notificationChannels/42"]
  scoring_image         = "example/scoring:1"
  training_image        = "example/training:1"
}

run "figures_that_the_sidecar_brings_have_alerts" {
  command = plan

  variables {
    enable_prometheus = true
  }

  assert {
    condition     = google_monitoring_alert_policy.scoring["auc-low"].severity == "CRITICAL" && google_monitoring_alert_policy.scoring["auc-low"].conditions[0].condition_prometheus_query_language[0].query == "(min by (model) (last_over_time(surety_monitor_auc[1h]))) < 0.75"
    error_message = "A policy must have the compiled query as it is."
  }
}

run "who_google_makes_gets_the_right_that_is_his" {
  assert {
    condition     = google_bigquery_dataset_iam_binding.decisions_written.members == toset(["serviceAccount:writer@example.iam.gserviceaccount.com"])
    error_message = "Only Cloud Logging writes the decision log."
  }

  assert {
    condition     = [for g in google_cloud_run_v2_service_iam_member.bigquery_asks : [g.name, g.role, g.member]] == [["prod-scoring", "roles/run.invoker", "serviceAccount:connection@example.iam.gserviceaccount.com"]]
    error_message = "The connection's account may call the scoring service and nothing else."
  }

  assert {
    condition     = google_cloud_run_v2_service_iam_member.uptime.member == "serviceAccount:service-123456789012@gcp-sa-monitoring-notification.iam.gserviceaccount.com"
    error_message = "Monitoring's own account calls the service for the uptime check."
  }

  assert {
    condition     = alltrue([for policy in google_monitoring_alert_policy.scoring : length(policy.notification_channels) == (policy.severity == "CRITICAL" ? 3 : 2)])
    error_message = "Every alert must go to every channel, and a CRITICAL one to the urgent one too."
  }

  assert {
    condition     = strcontains(google_monitoring_alert_policy.scoring["uptime"].conditions[0].condition_prometheus_query_language[0].query, "check_id=\"prod-scoring-1234\"")
    error_message = "The alert must be of the check that is made."
  }

  assert {
    condition     = google_bigquery_routine.scoring["application"].remote_function_options[0].endpoint == "https://prod-scoring.example.run.app/bigquery/application"
    error_message = "A remote function must call the route of its own model."
  }

  assert {
    condition     = google_monitoring_uptime_check_config.scoring.monitored_resource[0].labels.host == "prod-scoring.example.run.app"
    error_message = "The check must call the service's own address while there is no other."
  }

  assert {
    condition     = endswith(google_logging_project_sink.decisions.destination, google_bigquery_dataset.decisions.id)
    error_message = "Decisions must go to the dataset that is made for them."
  }

  assert {
    condition     = google_cloud_run_v2_service.scoring.template[0].containers[0].command == null && google_cloud_run_v2_job.training["application"].template[0].template[0].containers[0].command == null
    error_message = "An image must be started by its own command."
  }

  assert {
    condition     = google_cloud_run_v2_service.retrain.template[0].containers[0].command == tolist(["python", "-m", "functions.retrain"])
    error_message = "The retrain service must start its own function."
  }
}

run "the_load_balancer_leads_each_domain_to_its_service_under_the_same_rules" {
  variables {
    domain         = "credit.example.com"
    enable_edge    = true
    enable_lending = true
    models         = { application = { schedule = "0 1 * * 0" }, instalment = { schedule = "0 3 * * 0" } }
    lending = {
      auth    = "iam"
      domain  = "book.example.com"
      secrets = { KYC_KEY = "surety-kyc-key:1" }
    }
  }

  assert {
    condition     = google_compute_url_map.scoring["edge"].default_service == google_compute_backend_service.edge["scoring"].id && one(google_compute_url_map.scoring["edge"].path_matcher).default_service == google_compute_backend_service.edge["lending"].id
    error_message = "The loan book's domain must lead to the loan book, and every other to scoring."
  }

  assert {
    condition     = alltrue([for name, backend in google_compute_backend_service.edge : backend.security_policy == google_compute_security_policy.scoring["edge"].id && one(backend.backend).group == google_compute_region_network_endpoint_group.edge[name].id])
    error_message = "Each service must stand behind the limits of rates."
  }
}
