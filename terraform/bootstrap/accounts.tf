# The workloads' accounts. They are made here, by a person, so that the build can make none.
locals {
  workloads = merge(
    {
      retrain  = "Retrain service: runs training jobs"
      schedule = "Scheduler: runs training jobs"
      scoring  = "Scoring service: reads models"
      training = "Training jobs: publish and promote models"
      watch    = "Scheduler: asks whether training is overdue"
    },
    var.backup_region == null ? {} : { backup = "Daily copy of the decision log" },
    var.enable_batch ? {
      batch     = "Batches: scores files that land"
      batch-api = "Batches: scores files that are sent"
      inbox     = "Batches: tells that a file has landed"
    } : {},
    var.enable_dashboard ? { dashboard = "Dashboard: calls the services for people" } : {},
    var.enable_edge ? { probe = "Releases: asks a new revision from within the project" } : {},
    var.enable_lending ? {
      close   = "Loan book: closes days, checks the book"
      deliver = "Loan book: delivers webhooks"
      lending = "Loan book: the service"
      migrate = "Loan book: migrates the database"
      sweep   = "Loan book: asks scoring again"
    } : {},
    var.enable_pipeline ? {
      features = "Data pipeline: checks quality, computes features"
      ingest   = "Data pipeline: reads sources, writes lake and warehouse"
      monitor  = "Data pipeline: measures models on the decision log"
    } : {},
    var.enable_drift_check ? { drift = "Daily plan: looks for differences" } : {},
  )

  # IDs of the secrets, without their versions.
  secrets = toset([for reference in values(var.secrets) : split(":", reference)[0]])
}

resource "google_service_account" "workload" {
  for_each = local.workloads

  account_id   = "${var.environment}-${each.key}"
  display_name = each.value

  depends_on = [google_project_service.required]
}

# A release starts workloads under these accounts, and under no other.
resource "google_service_account_iam_member" "build_acts_as" {
  for_each = google_service_account.workload

  service_account_id = each.value.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.build.member
}

resource "google_secret_manager_secret_iam_member" "scoring_reads" {
  for_each = local.secrets

  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.workload["scoring"].member

  depends_on = [google_project_service.required]
}

# What the issuer knows it by, and what its cookies are signed with.
resource "google_secret_manager_secret_iam_member" "dashboard_reads" {
  for_each = var.enable_dashboard ? toset([for reference in values(var.dashboard.secrets) : split(":", reference)[0]]) : toset([])

  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${var.environment}-dashboard@${var.project_id}.iam.gserviceaccount.com"

  depends_on = [google_project_service.required, google_service_account.workload]
}

# Buckets outside ../: only who administers them can grant this, which the build does not.
resource "google_storage_bucket_iam_member" "training_reads_data" {
  for_each = var.data_buckets

  bucket = each.value
  role   = "roles/storage.objectViewer"
  member = google_service_account.workload["training"].member
}

# Writing metrics can only be granted over the whole project.
resource "google_project_iam_member" "scoring_writes_metrics" {
  for_each = var.enable_prometheus ? toset(["roles/monitoring.metricWriter"]) : toset([])

  project = var.project_id
  role    = each.value
  member  = google_service_account.workload["scoring"].member
}

# What `operators` are given over versions/: removing, without the right to write.
resource "google_project_iam_custom_role" "pruning" {
  role_id     = "surety_pruning"
  title       = "Surety: prune versions"
  description = "List, read and delete objects, without the right to write any."
  permissions = ["storage.objects.delete", "storage.objects.get", "storage.objects.list"]
}
