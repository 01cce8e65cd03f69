# Wrong variables are refused at plan time, each by name.

mock_provider "google" {}

run "wrong_variables_are_refused" {
  command = plan

  variables {
    project_id               = "Example Project"
    environment              = "Production"
    region                   = "Europe"
    invokers                 = ["allUsers"]
    operators                = ["serviceAccount:robot@example.iam.gserviceaccount.com"]
    auditors                 = ["allAuthenticatedUsers"]
    max_instances            = 0
    concurrency              = 0
    scoring_memory           = "256Mi"
    model_refresh_seconds    = -1
    models                   = { "card-default" = { schedule = "weekly" } }
    credit_models            = ["my models"]
    secrets                  = { "api-key" = "the secret itself" }
    decision_log_days        = 0
    training_overdue_days    = 0
    enable_edge              = true
    domain                   = "no domain"
    requests_per_minute      = 0
    alert_emails             = ["nobody"]
    alert_latency_ms         = 0
    alert_cold_start_ms      = 0
    alert_model_age_days     = 400
    alert_server_error_share = 2
    notification_channels    = ["slack"]
    billing_account          = "mine"
    budget_amount            = 0
    cors_origins             = ["*"]
    rate_limit               = "fast"
  }

  expect_failures = [
    var.project_id,
    var.environment,
    var.region,
    var.invokers,
    var.operators,
    var.auditors,
    var.max_instances,
    var.concurrency,
    var.scoring_memory,
    var.model_refresh_seconds,
    var.models,
    var.credit_models,
    var.secrets,
    var.decision_log_days,
    var.training_overdue_days,
    var.domain,
    var.requests_per_minute,
    var.alert_emails,
    var.alert_latency_ms,
    var.alert_cold_start_ms,
    var.alert_model_age_days,
    var.alert_server_error_share,
    var.notification_channels,
    var.billing_account,
    var.budget_amount,
    var.cors_origins,
    var.rate_limit,
  ]
}

run "variables_that_contradict_each_other_are_refused" {
  command = plan

  variables {
    project_id    = "example-project"
    min_instances = 11
    default_model = "customer"
    enable_edge   = true
  }

  expect_failures = [var.min_instances, var.default_model, var.domain]
}

run "what_only_google_cloud_would_refuse_is_refused_here" {
  command = plan

  variables {
    project_id    = "example-project"
    edge_only     = true
    secrets       = { AUTH = "surety-auth" }
    default_model = "a_"
    models        = { "a_" = { schedule = "x y z a b" } }
  }

  expect_failures = [var.edge_only, var.secrets, var.models]
}

run "keys_need_a_public_service_and_their_secrets" {
  command = plan

  variables {
    project_id = "example-project"
    auth       = "api-key"
  }

  expect_failures = [var.allow_public, var.secrets]
}

run "a_public_service_says_how_it_knows_its_callers" {
  command = plan

  variables {
    project_id   = "example-project"
    allow_public = true
  }

  expect_failures = [var.allow_public]
}

run "tokens_need_an_issuer_whose_keys_come_encrypted" {
  command = plan

  variables {
    project_id   = "example-project"
    auth         = "jwt"
    allow_public = true
    jwt          = { issuer = "i", audience = "a", jwks = "http://issuer.example.com/jwks.json" }
  }

  expect_failures = [var.jwt]
}

run "a_way_to_know_callers_that_is_none_of_the_four_is_refused" {
  command = plan

  variables {
    project_id = "example-project"
    auth       = "password"
  }

  expect_failures = [var.auth]
}
