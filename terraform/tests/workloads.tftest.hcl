# What runs, and how it is looked after, with every flag off and on.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

override_resource {
  target = google_cloud_run_v2_service.scoring
  values = { uri = "https://prod-scoring.example.run.app" }
}

variables {
  project_id = "example-project"
}

run "before_the_first_image_a_placeholder_answers" {
  assert {
    condition     = google_cloud_run_v2_service.scoring.template[0].containers[0].command[0] == "python" && strcontains(google_cloud_run_v2_service.scoring.template[0].containers[0].command[2], "no image has been released yet")
    error_message = "Without an image the service must say that none was released."
  }

  assert {
    condition     = strcontains(google_cloud_run_v2_job.training["application"].template[0].template[0].containers[0].command[2], "no image has been released yet")
    error_message = "Without an image a training run must fail and say so."
  }

  assert {
    condition     = google_cloud_run_v2_service.scoring.template[0].scaling[0].min_instance_count == 0 && google_cloud_run_v2_service.retrain.template[0].scaling[0].min_instance_count == 0
    error_message = "Nothing may run when nobody calls, unless it is asked for."
  }
}

run "every_model_has_a_job_a_schedule_and_a_look" {
  assert {
    condition     = keys(google_cloud_scheduler_job.training) == keys(google_cloud_run_v2_job.training) && keys(google_cloud_scheduler_job.watch) == keys(google_cloud_run_v2_job.training)
    error_message = "Each training job must have its schedule and its daily look."
  }

  assert {
    condition     = google_cloud_run_v2_job.training["card_default"].template[0].template[0].containers[0].args == tolist(["train", "--model", "card_default"])
    error_message = "A job must train the model it is named after."
  }

  assert {
    condition     = alltrue([for job in google_cloud_run_v2_job.training : job.template[0].template[0].max_retries == 1])
    error_message = "A job that failed twice needs a person."
  }
}

run "decisions_go_to_one_place_and_expire" {
  variables {
    decision_log_days = 30
  }

  assert {
    condition     = google_logging_project_exclusion.decisions.filter == google_logging_project_sink.decisions.filter
    error_message = "What goes to the decision log must not stay in the log that everyone reads."
  }

  assert {
    condition     = google_bigquery_table.decisions.time_partitioning[0].expiration_ms == 2592000000 && google_bigquery_dataset.decisions.default_partition_expiration_ms == 2592000000
    error_message = "Decision records must expire after decision_log_days."
  }

  assert {
    condition     = google_bigquery_dataset_iam_member.decisions_written.member == google_logging_project_sink.decisions.writer_identity
    error_message = "Only Cloud Logging writes the decision log."
  }
}

run "alerts_reach_someone" {
  variables {
    alert_emails          = ["oncall@example.com"]
    notification_channels = ["projects/example-project/notificationChannels/42"]
    billing_account       = "012345-6789AB-CDEF01"
  }

  assert {
    condition     = alltrue([for policy in google_monitoring_alert_policy.scoring : length(policy.notification_channels) == 2])
    error_message = "Every alert must go to every channel."
  }

  assert {
    condition     = length(google_billing_budget.project) == 1
    error_message = "A billing account must have its budget."
  }

  assert {
    condition     = google_monitoring_slo.availability.goal == 0.999
    error_message = "The objective is 99.9 %."
  }

  assert {
    condition     = google_monitoring_uptime_check_config.scoring.http_check[0].service_agent_authentication[0].type == "OIDC_TOKEN"
    error_message = "The uptime check must call with an identity."
  }
}

run "a_budget_needs_no_channel" {
  variables {
    billing_account = "012345-6789AB-CDEF01"
  }

  assert {
    condition     = length(google_billing_budget.project["012345-6789AB-CDEF01"].all_updates_rule) == 0
    error_message = "Without a channel the billing account's administrators are told."
  }
}

run "flags_off_make_nothing" {
  assert {
    condition     = length(google_compute_global_forwarding_rule.scoring) + length(google_cloudfunctions2_function.scoring) + length(google_billing_budget.project) == 0
    error_message = "What costs when idle must be asked for."
  }

  assert {
    condition     = length(google_cloud_run_v2_service.scoring.template[0].containers) == 1
    error_message = "The sidecar must be asked for."
  }
}

run "flags_on_make_the_whole" {
  variables {
    enable_edge       = true
    edge_only         = true
    domain            = "credit.example.com"
    enable_prometheus = true
    source_archive    = "variables.tf" # any file has a hash
  }

  assert {
    condition     = google_cloud_run_v2_service.scoring.ingress == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
    error_message = "With edge_only, nothing may reach the service around the edge."
  }

  assert {
    condition     = google_compute_backend_service.scoring["edge"].security_policy == google_compute_security_policy.scoring["edge"].id
    error_message = "The edge must limit rates."
  }

  assert {
    condition     = google_compute_target_https_proxy.scoring["edge"].ssl_policy == google_compute_ssl_policy.scoring["edge"].id
    error_message = "The edge must refuse old TLS."
  }

  assert {
    condition     = google_cloud_run_v2_service.scoring.template[0].containers[1].name == "prometheus"
    error_message = "The sidecar must run beside the scoring container."
  }

  assert {
    condition     = google_cloudfunctions2_function.scoring[0].build_config[0].entry_point == "scoring" && google_cloudfunctions2_function.scoring[0].service_config[0].environment_variables["AUTH"] == "iam"
    error_message = "The source function must be the same function, as closed as the service."
  }

  assert {
    condition     = strcontains(google_logging_project_sink.decisions.filter, "prod-scoring-source")
    error_message = "The source function's decisions must reach the decision log."
  }
}

run "without_the_flag_there_is_no_function_in_bigquery" {
  assert {
    condition     = length(google_bigquery_routine.scoring) == 0 && length(google_bigquery_connection.scoring) == 0 && length(google_cloud_run_v2_service_iam_member.bigquery_asks) == 0
    error_message = "BigQuery must not reach the service unless enable_bigquery asks for it."
  }
}

run "bigquery_has_a_function_for_every_model" {
  variables {
    enable_bigquery = true
  }

  assert {
    condition     = keys(google_bigquery_routine.scoring) == keys(google_cloud_run_v2_job.training)
    error_message = "Each model must have its remote function."
  }

  assert {
    condition     = google_bigquery_routine.scoring["application"].remote_function_options[0].endpoint == "https://prod-scoring.example.run.app/bigquery/application"
    error_message = "A remote function must call the route of its own model."
  }

  assert {
    condition     = [for a in google_bigquery_routine.scoring["application"].arguments : a.name] == [for a in jsondecode(file("schemas/bigquery.json")).application : a.name]
    error_message = "Arguments must stand in the order of the catalogue."
  }
}

run "a_model_without_arguments_is_refused" {
  command = plan

  variables {
    enable_bigquery = true
    default_model   = "own_model"
    models          = { own_model = { schedule = "0 1 * * 0" } }
  }

  expect_failures = [google_bigquery_routine.scoring]
}
