# With enable_drift_check a daily build plans ../ under an account that may look at everything but data. It is a
# robot with roles/viewer: what viewers may see by default, the buckets and the decision log do not show.
resource "google_project_iam_member" "drift" {
  for_each = var.enable_drift_check ? toset([
    "roles/bigquery.metadataViewer", # how tables look, not what is in them: viewers are not in the lists of ../decisions.tf
    "roles/cloudbuild.builds.editor",
    "roles/iam.securityReviewer",
    "roles/logging.logWriter",
    "roles/serviceusage.serviceUsageConsumer",
    "roles/storage.bucketViewer", # what the buckets themselves no longer grant to viewers
    "roles/viewer",
  ]) : toset([])

  project = var.project_id
  role    = each.value
  member  = google_service_account.workload["drift"].member
}

# Starting a build under an account takes the right to act as it.
resource "google_service_account_iam_member" "drift_is_itself" {
  for_each = var.enable_drift_check ? toset(["roles/iam.serviceAccountUser"]) : toset([])

  service_account_id = google_service_account.workload["drift"].name
  role               = each.value
  member             = google_service_account.workload["drift"].member
}

resource "google_billing_account_iam_member" "drift_sees_budget" {
  for_each = var.enable_drift_check && var.billing_account != null ? toset([var.billing_account]) : toset([])

  billing_account_id = each.value
  role               = "roles/billing.viewer"
  member             = google_service_account.workload["drift"].member
}

resource "google_storage_bucket_iam_member" "drift_reads_state" {
  for_each = var.enable_drift_check ? toset(["roles/storage.bucketViewer", "roles/storage.objectViewer"]) : toset([])

  bucket = google_storage_bucket.state.name
  role   = each.value
  member = google_service_account.workload["drift"].member
}
