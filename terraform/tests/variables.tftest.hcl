# Wrong variables are refused at plan time, each by name.

mock_provider "google" {}

variables {
  alert_emails    = ["oncall@example.com"]
  urgent_channels = ["projects/example-project/notificationChannels/1"]
}

run "wrong_variables_are_refused" {
  command = plan

  variables {
    project_id               = "Example Project"
    environment              = "Production"
    region                   = "Europe"
    invokers                 = ["allUsers"]
    operators                = ["serviceAccount:robot@example.iam.gserviceaccount.com"]
    responders               = ["principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/robots/*"]
    auditors                 = ["allAuthenticatedUsers"]
    bigquery_users           = ["allUsers"]
    lock_retention           = true
    deletion_protection      = false
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
    urgent_channels          = ["pager"]
    build_region             = "Europe"
    retrain_ingress          = "none"
    billing_account          = "mine"
    budget_amount            = 0
    cors_origins             = ["*"]
    rate_limit               = "fast"
    otlp_traces_endpoint     = "collector:4318"
  }

  expect_failures = [
    var.project_id,
    var.environment,
    var.region,
    var.invokers,
    var.operators,
    var.responders,
    var.auditors,
    var.bigquery_users,
    var.lock_retention,
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
    var.urgent_channels,
    var.build_region,
    var.retrain_ingress,
    var.billing_account,
    var.budget_amount,
    var.cors_origins,
    var.rate_limit,
    var.otlp_traces_endpoint,
  ]
}

# Pipelines and workloads of elsewhere are no people, who alone may operate and respond.
run "workloads_of_other_identity_providers_are_no_people" {
  command = plan

  variables {
    project_id = "example-project"
    operators  = ["principalSet://iam.googleapis.com/locations/global/otherPools/robots/*"]
    responders = ["principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/robots/subject/r"]
  }

  expect_failures = [var.operators, var.responders]
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
    environment   = "surety"
    secrets       = { AUTH = "surety-auth:1" }
    default_model = "a_"
    models        = { "a_" = { schedule = "x y z a b" } }
  }

  expect_failures = [var.edge_only, var.environment, var.secrets, var.models]
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

run "a_secret_without_its_version_is_refused" {
  command = plan

  variables {
    project_id = "example-project"
    secrets    = { DECISION_LOG_KEY = "surety-decision-log-key" }
  }

  expect_failures = [var.secrets]
}

run "a_copy_needs_a_key_of_its_own_region" {
  command = plan

  variables {
    project_id     = "example-project"
    backup_region  = "europe-west4"
    kms_key        = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k"
    backup_kms_key = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k"
  }

  expect_failures = [var.backup_kms_key]
}

run "people_and_systems_of_other_identity_providers_are_members_too" {
  command = plan

  variables {
    project_id      = "example-project"
    invokers        = ["principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/lender/attribute.app/front", "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/lender/subject/one"]
    operators       = ["principalSet://iam.googleapis.com/locations/global/workforcePools/lender/group/risk"]
    responders      = ["principal://iam.googleapis.com/locations/global/workforcePools/lender/subject/ann@example.com"]
    auditors        = ["principalSet://iam.googleapis.com/locations/global/workforcePools/lender/group/audit"]
    bigquery_users  = ["principalSet://iam.googleapis.com/locations/global/workforcePools/lender/group/analysts"]
    enable_bigquery = true
  }

  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.invoker) == 2 && length(google_bigquery_connection_iam_member.connection_used) == 1
    error_message = "Each must get its grant."
  }
}

run "the_issuer_of_tokens_reaches_the_service" {
  command = plan

  variables {
    project_id   = "example-project"
    auth         = "jwt"
    allow_public = true
    jwt          = { issuer = "https://issuer.example.com/", audience = "https://credit.example.com", jwks = "https://issuer.example.com/jwks.json" }
  }

  assert {
    condition     = { for e in google_cloud_run_v2_service.scoring.template[0].containers[0].env : e.name => e.value if startswith(e.name, "JWT_") } == { JWT_ALGORITHMS = "RS256,ES256,EdDSA,Ed25519", JWT_AUDIENCE = "https://credit.example.com", JWT_ISSUER = "https://issuer.example.com/", JWT_JWKS = "https://issuer.example.com/jwks.json", JWT_ROLES_CLAIM = "roles" }
    error_message = "The service must be told whose tokens to accept."
  }
}

run "a_model_without_arguments_is_refused" {
  command = plan

  variables {
    project_id      = "example-project"
    enable_bigquery = true
    default_model   = "own_model"
    models          = { own_model = { schedule = "0 1 * * 0" } }
  }

  expect_failures = [google_bigquery_routine.scoring]
}

run "an_environment_that_wakes_nobody_brings_a_warning" {
  command = plan

  variables {
    project_id      = "example-project"
    alert_emails    = []
    urgent_channels = []
  }

  expect_failures = [check.alerts_reach_someone, check.critical_alerts_wake_someone]
}

run "bigquery_behind_the_edge_brings_a_warning" {
  command = plan

  variables {
    project_id      = "example-project"
    enable_bigquery = true
    enable_edge     = true
    edge_only       = true
    domain          = "credit.example.com"
  }

  expect_failures = [check.bigquery_reaches_the_service]
}

run "a_pipeline_holds_no_secret_and_names_its_sources" {
  command = plan

  variables {
    project_id = "example-project"
    pipeline = {
      sources = {
        core_banking = { url = "postgresql://reader:the-secret-itself@10.0.0.1/bank" }
        "c-r-m"      = { url = "gs://drops/crm", url_secret = "surety-crm" }
      }
      warehouse_secret = "the key itself"
      monthly_models   = ["customer"]
      lake_days        = 0
      runners          = ["allUsers"]
    }
  }

  expect_failures = [var.pipeline]
}

run "a_pipeline_without_a_source_is_refused_and_so_is_a_model_of_a_warehouse_that_is_not_there" {
  command = plan

  variables {
    project_id      = "example-project"
    enable_pipeline = true
  }

  expect_failures = [var.pipeline]
}

run "rows_of_the_warehouse_need_the_pipeline" {
  command = plan

  variables {
    project_id    = "example-project"
    default_model = "customer"
    models        = { customer = { schedule = "0 1 * * 0", data = "warehouse:yesterday" } }
  }

  expect_failures = [var.models]
}

run "snowflake_takes_the_place_of_the_dataset" {
  command = plan

  variables {
    project_id      = "example-project"
    enable_pipeline = true
    pipeline = {
      sources          = { crm = { url = "sftp://surety@files.example.com/crm", token_secret = "surety-crm-key:1" } }
      warehouse_url    = "snowflake://account/BANK/PUBLIC?user=SURETY&warehouse=SMALL&role=SURETY"
      warehouse_secret = "surety-snowflake-key:1"
      schedules        = false
    }
  }

  assert {
    condition     = length(google_bigquery_dataset.warehouse) == 0 && length(google_bigquery_dataset_iam_binding.warehouse) == 0
    error_message = "Nothing may be made in BigQuery for a warehouse elsewhere."
  }

  assert {
    condition     = one([for e in google_cloud_run_v2_job.pipeline["features"].template[0].template[0].containers[0].env : e.value_source[0].secret_key_ref[0].secret if e.name == "WAREHOUSE_SECRET"]) == "surety-snowflake-key"
    error_message = "The key comes from Secret Manager."
  }

  assert {
    condition     = length(google_cloud_scheduler_job.pipeline) == 0 && length(google_cloud_run_v2_job_iam_member.schedule_runs_pipeline) == 0
    error_message = "Without schedules, something else starts the jobs."
  }
}

run "places_that_do_not_fit_are_refused" {
  command = plan

  variables {
    project_id    = "example-project"
    backup_region = "europe-west1"
    kms_key       = "projects/p/locations/global/keyRings/r/cryptoKeys/k"
    models        = { application = { schedule = "0 1 * * 0", data = "gs://elsewhere/data.csv" } }
  }

  expect_failures = [var.backup_region, var.kms_key, var.data_buckets]
}

run "a_loan_book_without_its_key_its_model_or_its_issuer_is_refused" {
  command = plan

  variables {
    project_id     = "example-project"
    enable_lending = true
  }

  expect_failures = [var.lending]
}

run "a_loan_book_holds_no_secret_and_fits_into_its_database" {
  command = plan

  variables {
    project_id = "example-project"
    lending = {
      auth          = "none"
      invokers      = ["allUsers"]
      ingress       = "everywhere"
      secrets       = { KYC_KEY = "the key itself", DATABASE_URL = "surety-database:1" }
      settings      = { WEBHOOK_KEY = "the key itself" }
      range         = "10.64.0.0/28"
      max_instances = 100
      database      = { version = "MYSQL_8_0", availability = "NONE", backups = 1 }
    }
  }

  expect_failures = [var.lending]
}

run "a_loan_book_whose_scoring_asks_for_a_key_has_one" {
  command = plan

  variables {
    project_id     = "example-project"
    auth           = "api-key"
    allow_public   = true
    secrets        = { API_KEYS = "surety-api-keys:3", API_KEY_PEPPER = "surety-api-key-pepper:1" }
    models         = { application = { schedule = "0 1 * * 0" }, instalment = { schedule = "0 3 * * 0" } }
    enable_lending = true
    lending = {
      auth    = "iam"
      secrets = { KYC_KEY = "surety-kyc-key:1" }
    }
  }

  expect_failures = [var.lending]
}

run "a_loan_book_is_made_with_a_few_lines" {
  command = plan

  variables {
    project_id     = "example-project"
    models         = { application = { schedule = "0 1 * * 0" }, instalment = { schedule = "0 3 * * 0" } }
    enable_lending = true
    lending = {
      auth    = "iam"
      secrets = { KYC_KEY = "surety-kyc-key:1" }
    }
  }

  assert {
    condition     = google_sql_database_instance.lending["lending"].database_version == "POSTGRES_18" && google_sql_database_instance.lending["lending"].settings[0].availability_type == "ZONAL"
    error_message = "The database must be the newest, on one machine unless two are asked for."
  }

  assert {
    condition     = length([for e in google_cloud_run_v2_service.lending["lending"].template[0].containers[0].env : e if startswith(e.name, "JWT_")]) == 0
    error_message = "Without an issuer there is nothing to say of tokens."
  }
}

run "a_domain_of_the_loan_book_needs_the_load_balancer" {
  command = plan

  variables {
    project_id     = "example-project"
    models         = { application = { schedule = "0 1 * * 0" }, instalment = { schedule = "0 3 * * 0" } }
    enable_lending = true
    lending = {
      auth    = "iam"
      domain  = "book.example.com"
      secrets = { KYC_KEY = "surety-kyc-key:1" }
    }
  }

  expect_failures = [var.lending]
}

run "a_loan_book_and_scoring_need_a_domain_each" {
  command = plan

  variables {
    project_id     = "example-project"
    models         = { application = { schedule = "0 1 * * 0" }, instalment = { schedule = "0 3 * * 0" } }
    domain         = "credit.example.com"
    enable_edge    = true
    enable_lending = true
    lending = {
      auth    = "iam"
      domain  = "credit.example.com"
      secrets = { KYC_KEY = "surety-kyc-key:1" }
    }
  }

  expect_failures = [var.lending]
}

run "a_loan_book_that_only_the_load_balancer_reaches_believes_it_about_addresses" {
  command = plan

  variables {
    project_id     = "example-project"
    models         = { application = { schedule = "0 1 * * 0" }, instalment = { schedule = "0 3 * * 0" } }
    domain         = "credit.example.com"
    enable_edge    = true
    enable_lending = true
    lending = {
      auth    = "iam"
      domain  = "book.example.com"
      ingress = "internal-and-cloud-load-balancing"
      secrets = { KYC_KEY = "surety-kyc-key:1" }
    }
  }

  assert {
    condition     = one([for e in google_cloud_run_v2_service.lending["lending"].template[0].containers[0].env : e.value if e.name == "FORWARDED_HOPS"]) == "2"
    error_message = "The load balancer appends its own address after the caller's."
  }

  assert {
    condition     = output.lending_url == "https://book.example.com"
    error_message = "The output must name the only address that answers."
  }
}

run "batches_need_named_members_a_task_and_an_ingress_that_there_is" {
  command = plan

  variables {
    project_id   = "example-project"
    enable_batch = true
    batch        = { ingress = "none", invokers = ["allUsers"], senders = ["allUsers"], tasks = 0 }
  }

  expect_failures = [var.batch]
}

run "batches_without_the_loan_book_know_their_callers_by_cloud_run" {
  command = plan

  variables {
    project_id   = "example-project"
    enable_batch = true
  }

  assert {
    condition     = contains(google_cloud_run_v2_service.batch["batch-api"].template[0].containers[0].env[*].name, "JWT_JWKS") == false
    error_message = "Without the loan book there is no issuer."
  }

  assert {
    condition     = google_cloud_run_v2_service.batch["batch-api"].template[0].containers[0].image == "python:3.11-slim-bookworm"
    error_message = "Until a release a placeholder answers."
  }
}

run "a_dashboard_without_a_loan_book_is_refused" {
  command = plan

  variables {
    project_id       = "example-project"
    enable_dashboard = true
  }

  expect_failures = [var.enable_dashboard]
}

run "a_dashboard_without_its_address_or_its_secrets_is_refused" {
  command = plan

  variables {
    project_id       = "example-project"
    models           = { instalment = { schedule = "0 3 * * 0" } }
    default_model    = "instalment"
    enable_lending   = true
    enable_dashboard = true
    dashboard        = { settings = { AUTH = "none" } }
    lending = {
      jwt     = { issuer = "https://issuer.example.com/", audience = "surety", jwks = "https://issuer.example.com/jwks.json" }
      secrets = { KYC_KEY = "surety-kyc-key:1" }
    }
  }

  expect_failures = [var.dashboard]
}

run "a_dashboard_asks_scoring_only_where_scoring_checks_tokens" {
  command = plan

  variables {
    project_id       = "example-project"
    allow_public     = true
    auth             = "jwt"
    jwt              = { issuer = "https://issuer.example.com/", audience = "surety", jwks = "https://issuer.example.com/jwks.json" }
    models           = { instalment = { schedule = "0 3 * * 0" } }
    default_model    = "instalment"
    enable_lending   = true
    enable_dashboard = true
    dashboard_image  = "example.com/surety/dashboard@sha256:1111111111111111111111111111111111111111111111111111111111111111"
    dashboard = {
      metadata_url = "https://issuer.example.com/.well-known/openid-configuration"
      secrets      = { COOKIE_SECRET = "surety-cookies:1", OIDC_CLIENT_SECRET = "surety-client:1" }
      url          = "https://desk.example.com"
    }
    lending = {
      jwt     = { issuer = "https://issuer.example.com/", audience = "surety", jwks = "https://issuer.example.com/jwks.json" }
      secrets = { KYC_KEY = "surety-kyc-key:1", SCORING_KEY = "surety-scoring-key:1" }
    }
  }

  assert {
    condition     = google_cloud_run_v2_service_iam_member.dashboard_asks_scoring["dashboard"].role == "roles/run.invoker"
    error_message = "With auth = jwt the dashboard must be let in to scoring."
  }
}
