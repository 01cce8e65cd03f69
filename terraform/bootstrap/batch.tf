# With enable_batch: what events of the inbox need over the project, and the key of records.
locals {
  storage_account = "service-${local.project_number}@gs-project-accounts.iam.gserviceaccount.com"

  # ID of the secret, without its version.
  record_keys = toset([for name, reference in var.secrets : split(":", reference)[0] if name == "DECISION_LOG_KEY" && var.enable_batch])
}

# Cloud Storage tells of a file by a message; the right to send one can only be granted over the project.
resource "google_project_iam_member" "storage_tells" {
  for_each = var.enable_batch ? toset(["roles/pubsub.publisher"]) : toset([])

  project = var.project_id
  role    = each.value
  member  = "serviceAccount:${local.storage_account}"

  depends_on = [google_project_service.required]
}

resource "google_project_iam_member" "inbox_hears" {
  for_each = var.enable_batch ? toset(["roles/eventarc.eventReceiver"]) : toset([])

  project = var.project_id
  role    = each.value
  member  = "serviceAccount:${var.environment}-inbox@${var.project_id}.iam.gserviceaccount.com"

  depends_on = [google_service_account.workload]
}

resource "google_secret_manager_secret_iam_member" "batch_reads" {
  for_each = {
    for pair in setproduct(["batch", "batch-api"], local.record_keys) : join(" ", pair) => { account = pair[0], secret = pair[1] }
  }

  secret_id = each.value.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${var.environment}-${each.value.account}@${var.project_id}.iam.gserviceaccount.com"

  depends_on = [google_project_service.required, google_service_account.workload]
}
