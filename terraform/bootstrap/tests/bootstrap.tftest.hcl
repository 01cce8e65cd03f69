# What must hold of the ground that everything else stands on.

mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      member = "serviceAccount:surety-build@example-project.iam.gserviceaccount.com"
      email  = "surety-build@example-project.iam.gserviceaccount.com"
      name   = "projects/example-project/serviceAccounts/surety-build@example-project.iam.gserviceaccount.com"
    }
  }
}

variables {
  project_id = "example-project"
}

# `plan`, because the state bucket refuses to be destroyed, as a test would end.
run "nothing_is_public_and_the_build_is_no_owner" {
  command = plan

  assert {
    condition     = google_storage_bucket.state.public_access_prevention == "enforced" && google_storage_bucket.state.versioning[0].enabled
    error_message = "Terraform's state must be private and recoverable."
  }

  assert {
    condition     = length([for role in keys(google_project_iam_member.build) : role if can(regex("owner$|editor$|roles/iam|roles/resourcemanager|roles/secretmanager|serviceAccount", role)) && role != "roles/monitoring.editor"]) == 0
    error_message = "The build account must not own the project, make accounts, roles or keys, read secrets, or grant over the project."
  }

  assert {
    condition     = !anytrue([for role in keys(google_project_iam_member.build) : can(regex("compute|cloudfunctions", role))])
    error_message = "What only a flag needs must not be granted without it."
  }

  assert {
    condition     = keys(google_service_account_iam_member.build_acts_as) == keys(google_service_account.workload) && length(google_service_account.workload) == 5
    error_message = "The build must be able to act as each workload's account."
  }

  assert {
    condition     = !anytrue([for p in google_project_iam_custom_role.pruning.permissions : can(regex("create|update|setIam", p))])
    error_message = "The right to prune must not be a right to write."
  }

  assert {
    condition     = length(google_project_iam_member.scoring_writes_metrics) + length(google_secret_manager_secret_iam_member.scoring_reads) + length(google_iam_workload_identity_pool.github) == 0
    error_message = "Nobody may be given more unless it is asked for."
  }
}

run "what_is_asked_for_is_granted" {
  command = plan

  variables {
    enable_bigquery   = true
    enable_edge       = true
    enable_prometheus = true
    source_archive    = "../var/scoring.zip"
    secrets           = { API_KEYS = "surety-api-keys" }
    github            = { repository = "example/surety", repository_id = "123456" }
  }

  assert {
    condition     = [for g in google_secret_manager_secret_iam_member.scoring_reads : [g.secret_id, g.role]] == [["surety-api-keys", "roles/secretmanager.secretAccessor"]]
    error_message = "The scoring account, and no other, must be let read the secrets."
  }

  assert {
    condition     = length(setintersection(keys(google_project_iam_member.build), ["roles/compute.loadBalancerAdmin", "roles/compute.securityAdmin", "roles/cloudfunctions.developer", "roles/bigquery.connectionAdmin"])) == 4
    error_message = "A flag must come with what it takes."
  }

  assert {
    condition     = google_iam_workload_identity_pool_provider.github["example/surety"].attribute_condition == "assertion.sub == 'repo:example/surety:ref:refs/heads/main' && assertion.repository_id == '123456'"
    error_message = "Only the named repository's main branch may submit builds."
  }

  assert {
    condition     = endswith(google_storage_bucket_iam_member.submit_uploads["example/surety"].condition[0].expression, "/objects/source/\")")
    error_message = "GitHub may upload sources, and nothing else."
  }
}

run "wrong_variables_are_refused" {
  command = plan

  variables {
    project_id  = "Example Project"
    region      = "Europe"
    environment = "Production"
    github      = { repository = "surety", repository_id = "x" }
  }

  expect_failures = [var.project_id, var.region, var.environment, var.github]
}
