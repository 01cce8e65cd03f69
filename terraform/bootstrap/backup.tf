# Storage Transfer works under an account that Google makes when somebody first asks for it: this asks.
data "google_storage_transfer_project_service_account" "asked" {
  count = var.backup_region == null ? 0 : 1

  depends_on = [google_project_service.required]
}

# With backup_region: BigQuery copies the decision log under an account of its own, which runs jobs and transfers.
resource "google_project_iam_custom_role" "copying" {
  for_each = var.backup_region == null ? toset([]) : toset(["backup"])

  role_id     = "surety_copying"
  title       = "Surety: copy the decision log"
  description = "Run BigQuery's jobs and transfers; the datasets are granted beside them."
  permissions = ["bigquery.jobs.create", "bigquery.transfers.get", "bigquery.transfers.update"]
}

resource "google_project_iam_member" "backup_copies" {
  for_each = google_project_iam_custom_role.copying

  project = var.project_id
  role    = each.value.name
  member  = google_service_account.workload["backup"].member
}
