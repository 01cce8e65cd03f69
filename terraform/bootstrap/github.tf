# Builds submitted from GitHub Actions, by one repository's main branch, without a key. What is let in
# can submit a build, which checks before it does anything; it is not the account that builds.
locals {
  github = var.github == null ? {} : { (var.github.repository) = var.github.repository_id }
}

resource "google_iam_workload_identity_pool" "github" {
  for_each = local.github

  workload_identity_pool_id = "surety-github"
  display_name              = "GitHub Actions"
}

# The id beside the name: a name that its owner gave up can be taken by someone else.
resource "google_iam_workload_identity_pool_provider" "github" {
  #checkov:skip=CKV_GCP_125:the subject is one repository's main branch; checkov cannot read it through a variable

  for_each = local.github

  workload_identity_pool_id          = google_iam_workload_identity_pool.github[each.key].workload_identity_pool_id
  workload_identity_pool_provider_id = "actions"
  attribute_condition                = "assertion.sub == 'repo:${each.key}:ref:refs/heads/main' && assertion.repository_id == '${each.value}'"

  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account" "submit" {
  for_each = local.github

  account_id   = "surety-submit"
  display_name = "GitHub Actions: submits builds"
}

resource "google_service_account_iam_member" "github_submits" {
  for_each = local.github

  service_account_id = google_service_account.submit[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github[each.key].name}/attribute.repository/${each.key}"
}

resource "google_project_iam_member" "submit_builds" {
  #checkov:skip=CKV_GCP_49:the role starts builds; it manages no account

  for_each = local.github

  project = var.project_id
  role    = "roles/cloudbuild.builds.editor"
  member  = google_service_account.submit[each.key].member
}

resource "google_service_account_iam_member" "submit_as_build" {
  for_each = local.github

  service_account_id = google_service_account.build.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.submit[each.key].member
}

resource "google_storage_bucket_iam_member" "submit_uploads" {
  for_each = local.github

  bucket = google_storage_bucket.state.name
  role   = "roles/storage.objectUser"
  member = google_service_account.submit[each.key].member

  condition {
    title      = "source-only"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.state.name}/objects/source/\")"
  }
}
