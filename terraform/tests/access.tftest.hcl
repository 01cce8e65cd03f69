# Who may do what, unless a variable says otherwise.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

override_resource {
  target = google_bigquery_connection.scoring
  values = { cloud_resource = { service_account_id = "connection@example.iam.gserviceaccount.com" } }
}

variables {
  project_id = "example-project"
  invokers   = ["group:lending@example.com"]
  operators  = ["user:operator@example.com"]
  auditors   = ["group:risk@example.com"]
}

run "nobody_is_let_in_unasked" {
  assert {
    condition     = [for m in google_cloud_run_v2_service_iam_member.invoker : m.member] == ["group:lending@example.com"]
    error_message = "Only the listed invokers may call the scoring service."
  }

  assert {
    condition     = one([for e in google_cloud_run_v2_service.scoring.template[0].containers[0].env : e.value if e.name == "AUTH"]) == "iam"
    error_message = "The scoring service must rely on Cloud Run's check of identities."
  }

  assert {
    condition     = one([for e in google_cloud_run_v2_service.retrain.template[0].containers[0].env : e.value if e.name == "AUTH"]) == "iam"
    error_message = "The retrain service must rely on Cloud Run's check of identities."
  }

  assert {
    condition     = toset(concat([for m in google_cloud_run_v2_service_iam_member.operator_retrains : m.member], [google_cloud_run_v2_service_iam_member.watch_asks.member])) == toset(["user:operator@example.com", "serviceAccount:prod-watch@example-project.iam.gserviceaccount.com"])
    error_message = "Only operators and the daily look may call the retrain service."
  }

  assert {
    condition     = google_storage_bucket.models.public_access_prevention == "enforced" && google_storage_bucket.models.uniform_bucket_level_access
    error_message = "The model bucket must never be public."
  }

  assert {
    condition     = [for m in google_bigquery_dataset_iam_member.decisions_read : m.member] == ["group:risk@example.com"]
    error_message = "Only the listed auditors may read the decision log."
  }
}

run "public_access_is_given_only_when_asked_for" {
  variables {
    auth         = "none"
    allow_public = true
  }

  assert {
    condition     = [for m in google_cloud_run_v2_service_iam_member.invoker : m.member] == ["allUsers"]
    error_message = "allow_public must let everyone call the scoring service."
  }

  assert {
    condition     = !contains([for m in google_cloud_run_v2_service_iam_member.operator_retrains : m.member], "allUsers")
    error_message = "allow_public must not open the retrain service."
  }
}

run "callers_without_an_identity_are_asked_for_a_key" {
  variables {
    auth         = "api-key"
    allow_public = true
    secrets      = { API_KEYS = "surety-api-keys", API_KEY_PEPPER = "surety-api-key-pepper" }
  }

  assert {
    condition     = one([for e in google_cloud_run_v2_service.scoring.template[0].containers[0].env : e.value if e.name == "AUTH"]) == "api-key"
    error_message = "A service that everyone reaches must ask for keys when told to."
  }

  assert {
    condition     = toset([for e in google_cloud_run_v2_service.scoring.template[0].containers[0].env : e.name if length(e.value_source) > 0]) == toset(["API_KEYS", "API_KEY_PEPPER"])
    error_message = "Keys and pepper must be references."
  }

  assert {
    condition     = one([for e in google_cloud_run_v2_service.retrain.template[0].containers[0].env : e.value if e.name == "AUTH"]) == "iam"
    error_message = "Keys of the scoring service must not open the retrain service."
  }
}

run "callers_without_an_identity_are_asked_for_a_token" {
  variables {
    auth         = "jwt"
    allow_public = true
    enable_edge  = true
    edge_only    = true
    domain       = "credit.example.com"
    jwt          = { issuer = "https://issuer.example.com/", audience = "https://credit.example.com", jwks = "https://issuer.example.com/jwks.json" }
  }

  assert {
    condition     = { for e in google_cloud_run_v2_service.scoring.template[0].containers[0].env : e.name => e.value if startswith(e.name, "JWT_") } == { JWT_ALGORITHMS = "RS256,ES256,EdDSA,Ed25519", JWT_AUDIENCE = "https://credit.example.com", JWT_ISSUER = "https://issuer.example.com/", JWT_JWKS = "https://issuer.example.com/jwks.json", JWT_ROLES_CLAIM = "roles" }
    error_message = "The service must be told whose tokens to accept."
  }

  assert {
    condition     = one([for e in google_cloud_run_v2_service.scoring.template[0].containers[0].env : e.value if e.name == "FORWARDED_HOPS"]) == "2"
    error_message = "Behind nothing but the edge the caller's address is the second from the right."
  }
}

run "each_workload_has_an_account_and_only_its_rights" {
  assert {
    condition = length(toset([
      google_cloud_run_v2_service.scoring.template[0].service_account,
      google_cloud_run_v2_service.retrain.template[0].service_account,
      google_cloud_run_v2_job.training["application"].template[0].template[0].service_account,
      google_cloud_scheduler_job.training["application"].http_target[0].oauth_token[0].service_account_email,
      google_cloud_scheduler_job.watch["application"].http_target[0].oidc_token[0].service_account_email,
    ])) == 5
    error_message = "Every workload must run under an account of its own."
  }

  assert {
    condition = alltrue([
      for grant in [
        google_storage_bucket_iam_member.scoring_reads,
        google_storage_bucket_iam_member.training_reads,
        google_storage_bucket_iam_member.training_creates,
        google_storage_bucket_iam_member.training_promotes,
      ] : grant.role == "roles/storage.objectViewer" if grant.member == "serviceAccount:prod-scoring@example-project.iam.gserviceaccount.com"
    ])
    error_message = "Scoring may only read the model bucket."
  }

  assert {
    condition     = google_storage_bucket_iam_member.training_creates.role == "roles/storage.objectCreator"
    error_message = "Training may create objects, not replace or delete them."
  }

  assert {
    condition     = startswith(google_storage_bucket_iam_member.training_promotes.condition[0].expression, "resource.name.startsWith(\"projects/_/buckets/example-project-prod-models/objects/champions/\") && ")
    error_message = "Training may replace objects under champions/ only."
  }

  assert {
    condition = alltrue([
      for grant in concat([google_storage_bucket_iam_member.training_promotes, google_storage_bucket_iam_member.retrain_promotes], values(google_storage_bucket_iam_member.operator_promotes)) :
      strcontains(grant.condition[0].expression, "resource.name.extract(\"/objects/champions/{model}/moves/\") == \"\"") && strcontains(grant.condition[0].expression, "resource.name.extract(\"/objects/champions/{model}/proposals/\") == \"\"")
    ])
    error_message = "Nobody may replace or remove the record of a move."
  }

  assert {
    condition     = google_storage_bucket_iam_member.retrain_records.role == "roles/storage.objectCreator" && endswith(google_storage_bucket_iam_member.retrain_records.condition[0].expression, "/objects/champions/\")")
    error_message = "The retrain service may create objects under champions/ only."
  }

  assert {
    condition     = alltrue([for g in google_cloud_run_v2_job_iam_member.schedule_runs : g.role == "roles/run.invoker" && g.member == "serviceAccount:prod-schedule@example-project.iam.gserviceaccount.com"])
    error_message = "The scheduler's account may run the jobs and nothing else."
  }

  assert {
    condition     = toset([for g in concat(values(google_cloud_run_v2_job_iam_member.retrain_runs), values(google_cloud_run_v2_job_iam_member.retrain_looks)) : g.role]) == toset(["roles/run.invoker", "roles/run.viewer"])
    error_message = "The retrain service may run the jobs and look at them, nothing else."
  }
}

run "bigquery_may_call_the_scoring_service_and_nothing_else" {
  variables {
    enable_bigquery = true
  }

  assert {
    condition     = [for g in google_cloud_run_v2_service_iam_member.bigquery_asks : [g.name, g.role, g.member]] == [["prod-scoring", "roles/run.invoker", "serviceAccount:connection@example.iam.gserviceaccount.com"]]
    error_message = "The connection's account may call the scoring service and nothing else."
  }
}

run "anchors_are_created_once_and_kept" {
  variables {
    decision_log_days = 30
  }

  assert {
    condition     = google_storage_bucket_iam_member.scoring_anchors.role == "roles/storage.objectCreator" && google_storage_bucket_iam_member.scoring_anchors.bucket == google_storage_bucket.evidence.name
    error_message = "Scoring may create anchors, not read, replace or delete them."
  }

  assert {
    condition     = google_storage_bucket.evidence.retention_policy[0].retention_period == 2592000
    error_message = "An anchor must be kept as long as the records it vouches for."
  }

  assert {
    condition     = google_storage_bucket.evidence.public_access_prevention == "enforced" && google_storage_bucket.evidence.uniform_bucket_level_access
    error_message = "The bucket of anchors must never be public."
  }

  assert {
    condition     = [for m in google_storage_bucket_iam_member.anchors_read : [m.member, m.role]] == [["group:risk@example.com", "roles/storage.objectViewer"]]
    error_message = "Only the listed auditors may read anchors."
  }

  assert {
    condition     = one([for e in google_cloud_run_v2_service.scoring.template[0].containers[0].env : e.value if e.name == "DECISION_ANCHOR_STORE"]) == "gs://example-project-prod-evidence"
    error_message = "The scoring service must be told where anchors go."
  }
}

run "pruning_is_a_named_persons_right" {
  assert {
    condition     = [for m in google_storage_bucket_iam_member.operator_prunes : m.member] == ["user:operator@example.com"]
    error_message = "Only operators may prune versions."
  }

  assert {
    condition     = alltrue([for m in google_storage_bucket_iam_member.operator_prunes : m.role == "projects/example-project/roles/surety_pruning" && endswith(m.condition[0].expression, "/objects/versions/\")")])
    error_message = "Operators may remove under versions/ only, with the role that cannot write."
  }

  assert {
    condition     = alltrue([for m in google_storage_bucket_iam_member.operator_promotes : strcontains(m.condition[0].expression, "/objects/champions/\") && ")])
    error_message = "Operators may replace objects under champions/ only."
  }
}

run "secrets_are_references" {
  variables {
    secrets = { API_KEYS = "surety-api-keys" }
  }

  assert {
    condition     = one([for e in google_cloud_run_v2_service.scoring.template[0].containers[0].env : e.value_source[0].secret_key_ref[0].secret if e.name == "API_KEYS"]) == "surety-api-keys"
    error_message = "A secret must reach the service as a reference to Secret Manager."
  }

  assert {
    condition     = alltrue([for e in google_cloud_run_v2_service.scoring.template[0].containers[0].env : e.value != "surety-api-keys"])
    error_message = "A secret must never be a plain setting."
  }
}
