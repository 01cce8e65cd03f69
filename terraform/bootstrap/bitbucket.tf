# Releases from Bitbucket Pipelines, by one repository's main branch, without a key.
locals {
  bitbucket = var.bitbucket == null ? {} : { bitbucket = var.bitbucket }
}

resource "google_iam_workload_identity_pool" "bitbucket" {
  for_each = local.bitbucket

  workload_identity_pool_id = "surety-bitbucket"
  display_name              = "Bitbucket Pipelines"
}

resource "google_iam_workload_identity_pool_provider" "bitbucket" {
  for_each = local.bitbucket

  workload_identity_pool_id          = google_iam_workload_identity_pool.bitbucket[each.key].workload_identity_pool_id
  workload_identity_pool_provider_id = "pipelines"
  attribute_condition = join(" && ", [
    "assertion.workspaceUuid == '{${each.value.workspace_id}}'",
    "assertion.repositoryUuid == '{${each.value.repository_id}}'",
    "assertion.branchName == 'main'",
    # Without this, a step of no deployment would pass by its permissions.
    "assertion.deploymentEnvironmentUuid == '{${each.value.deployment_id}}'",
  ])

  attribute_mapping = {
    "google.subject" = "assertion.repositoryUuid + ':' + assertion.branchName"
    # The same for whoever meets the condition: braces of an identifier have no place in a member's name.
    "attribute.source" = "'bitbucket'"
  }

  oidc {
    issuer_uri        = "https://api.bitbucket.org/2.0/workspaces/${each.value.workspace}/pipelines-config/identity/oidc"
    allowed_audiences = ["ari:cloud:bitbucket::workspace/${each.value.workspace_id}"]
  }
}
