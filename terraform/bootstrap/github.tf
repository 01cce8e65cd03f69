# Builds started from GitHub Actions, by one repository's main branch, without a key.
locals {
  github = var.github_repository == null ? toset([]) : toset([var.github_repository])
}

resource "google_iam_workload_identity_pool" "github" {
  for_each = local.github

  workload_identity_pool_id = "surety-github"
  display_name              = "GitHub Actions"
}

resource "google_iam_workload_identity_pool_provider" "github" {
  #checkov:skip=CKV_GCP_125:the subject is one repository's main branch; checkov cannot read it through a variable
  for_each = local.github

  workload_identity_pool_id          = google_iam_workload_identity_pool.github[each.key].workload_identity_pool_id
  workload_identity_pool_provider_id = "actions"
  attribute_condition                = "assertion.sub == 'repo:${each.value}:ref:refs/heads/main'"

  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "github_builds" {
  for_each = local.github

  service_account_id = google_service_account.build.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github[each.key].name}/attribute.repository/${each.value}"
}

# To submit a build, which then runs as the same account.
resource "google_project_iam_member" "github_submits" {
  #checkov:skip=CKV_GCP_49:the role starts builds; it manages no account

  for_each = local.github

  project = var.project_id
  role    = "roles/cloudbuild.builds.editor"
  member  = google_service_account.build.member
}

resource "google_service_account_iam_member" "github_builds_as_itself" {
  for_each = local.github

  service_account_id = google_service_account.build.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.build.member
}
