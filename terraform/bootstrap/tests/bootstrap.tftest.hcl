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
run "nothing_is_public_and_nobody_is_an_owner" {
  command = plan

  assert {
    condition     = google_storage_bucket.state.public_access_prevention == "enforced" && google_storage_bucket.state.versioning[0].enabled
    error_message = "Terraform's state must be private and recoverable."
  }

  assert {
    condition     = length(setintersection(keys(google_project_iam_member.build), ["roles/owner", "roles/editor", "roles/iam.serviceAccountKeyAdmin", "roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountUser", "roles/secretmanager.secretAccessor", "roles/resourcemanager.projectIamAdmin"])) == 0
    error_message = "The build account must not own the project, make keys, act as any account, read secrets or grant what it likes."
  }

  assert {
    condition     = strcontains(google_project_iam_member.build_grants_metrics.condition[0].expression, "hasOnly(['roles/monitoring.metricWriter'])")
    error_message = "The build account may grant one role over the project."
  }

  assert {
    condition     = !contains(google_project_iam_custom_role.secret_grants.permissions, "secretmanager.versions.access")
    error_message = "Granting access to a secret must not be reading it."
  }

  assert {
    condition     = length(google_iam_workload_identity_pool.github) == 0
    error_message = "GitHub must be let in only when a repository is named."
  }
}

run "only_the_named_repositorys_main_branch_may_build" {
  command = plan

  variables {
    github_repository = "example/surety"
  }

  assert {
    condition     = google_iam_workload_identity_pool_provider.github["example/surety"].attribute_condition == "assertion.sub == 'repo:example/surety:ref:refs/heads/main'"
    error_message = "Only the named repository's main branch may submit builds."
  }
}

run "wrong_variables_are_refused" {
  command = plan

  variables {
    project_id        = "Example Project"
    region            = "Europe"
    github_repository = "surety"
  }

  expect_failures = [var.project_id, var.region, var.github_repository]
}
