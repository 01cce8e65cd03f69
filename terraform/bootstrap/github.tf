# Releases from GitHub Actions, by one repository's main branch, without a key.
locals {
  github = var.github == null ? {} : { github = var.github }
}

resource "google_iam_workload_identity_pool" "github" {
  for_each = local.github

  workload_identity_pool_id = "surety-github"
  display_name              = "GitHub Actions"
}

# Numbers, not names: a name that its owner gave up can be taken by someone else, and the claim `sub` has had
# numbers in it since 2026 where a repository is new, renamed or moved. So `sub` is not read at all.
resource "google_iam_workload_identity_pool_provider" "github" {
  #checkov:skip=CKV_GCP_125:repository, owner, branch and event are named by immutable claims instead of the subject

  for_each = local.github

  workload_identity_pool_id          = google_iam_workload_identity_pool.github[each.key].workload_identity_pool_id
  workload_identity_pool_provider_id = "actions"
  attribute_condition = join(" && ", [
    "assertion.repository_id == '${each.value.repository_id}'",
    "assertion.repository_owner_id == '${each.value.owner_id}'",
    "assertion.ref == 'refs/heads/main'",
    # Without this, a workflow that names no environment would pass by its required reviewers.
    "assertion.environment == '${var.environment}'",
    "assertion.event_name in ['push', 'workflow_dispatch']",
  ])

  attribute_mapping = {
    "google.subject"          = "assertion.repository_id + ':' + assertion.ref"
    "attribute.repository_id" = "assertion.repository_id"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}
