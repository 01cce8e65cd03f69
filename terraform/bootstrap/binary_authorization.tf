# With enable_binary_authorization Cloud Run starts images that Cloud Build made in this project, and Google's sidecar.
# Cloud Build signs when a build has ended, so an image is released by a later build than the one that made it.
resource "google_binary_authorization_policy" "project" {
  for_each = var.enable_binary_authorization ? toset(["project"]) : toset([])

  description                   = "Only what Cloud Build built here."
  global_policy_evaluation_mode = "ENABLE"

  default_admission_rule {
    evaluation_mode         = "REQUIRE_ATTESTATION"
    enforcement_mode        = "ENFORCED_BLOCK_AND_AUDIT_LOG"
    require_attestations_by = ["projects/${var.project_id}/attestors/built-by-cloud-build"]
  }

  dynamic "admission_whitelist_patterns" {
    for_each = var.enable_prometheus ? ["us-docker.pkg.dev/cloud-ops-agents-artifacts/cloud-run-gmp-sidecar/*"] : []

    content {
      name_pattern = admission_whitelist_patterns.value
    }
  }

  depends_on = [google_project_service.required]
}
