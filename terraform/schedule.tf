# The schedule of every training job. Its account may run the jobs and nothing else.
resource "google_cloud_scheduler_job" "training" {
  for_each = var.models

  name             = "${var.environment}-train-${replace(each.key, "_", "-")}"
  region           = var.region
  schedule         = each.value.schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"

  retry_config {
    retry_count = 3
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/projects/${var.project_id}/locations/${var.region}/jobs/${google_cloud_run_v2_job.training[each.key].name}:run"

    oauth_token {
      service_account_email = local.accounts.schedule
      scope                 = "https://www.googleapis.com/auth/cloud-platform"
    }
  }
}

resource "google_cloud_run_v2_job_iam_member" "schedule_runs" {
  for_each = var.models

  name     = google_cloud_run_v2_job.training[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.accounts.schedule}"
}
