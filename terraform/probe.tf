# With edge_only the service's own address is closed, to the build as well, which asks a new revision before it gets
# traffic. This workflow asks in its place: Cloud Run counts what Workflows asks in the same project as internal.
resource "google_workflows_workflow" "probe" {
  for_each = local.edge

  name                = "${var.environment}-probe"
  region              = var.region
  description         = "One request to the scoring service, for a release."
  service_account     = local.accounts.probe
  source_contents     = file("${path.module}/../infra/probe.yaml")
  call_log_level      = "LOG_ERRORS_ONLY"
  deletion_protection = false # it is stateless
}

resource "google_cloud_run_v2_service_iam_member" "probe" {
  for_each = local.edge

  name     = google_cloud_run_v2_service.scoring.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.accounts.probe}"
}
