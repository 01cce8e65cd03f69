locals {
  build_account = "surety-build@${var.project_id}.iam.gserviceaccount.com" # made by bootstrap/
}

# A release replaces images, so the build acts as the accounts they run under: each by name.
resource "google_service_account_iam_member" "build_acts_as" {
  for_each = {
    retrain  = google_service_account.retrain.name
    schedule = google_service_account.schedule.name
    scoring  = google_service_account.scoring.name
    training = google_service_account.training.name
    watch    = google_service_account.watch.name
  }

  service_account_id = each.value
  role               = "roles/iam.serviceAccountUser"
  member             = "serviceAccount:${local.build_account}"
}
