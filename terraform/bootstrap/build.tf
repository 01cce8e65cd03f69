# The account that builds, applies ../ and releases. It holds no key; a build runs as it.
resource "google_service_account" "build" {
  account_id   = "surety-build"
  display_name = "Cloud Build: checks, builds, applies, releases"

  depends_on = [google_project_service.required]
}

resource "google_artifact_registry_repository_iam_member" "build_pushes" {
  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

# A promotion copies images from here into the project that comes next, whose own build asks for them.
resource "google_artifact_registry_repository_iam_member" "next_copies" {
  for_each = var.promotes_to

  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:surety-build@${each.value}.iam.gserviceaccount.com"
}

# What creating the resources of ../ takes, kind by kind. It makes no accounts, roles or grants over the project.
# roles/run.admin with the right to act as scoring reads what scoring reads, its secrets too: README.md says so.
resource "google_project_iam_member" "build" {
  for_each = toset(concat(
    [
      "roles/cloudscheduler.admin",
      "roles/logging.configWriter",
      "roles/logging.logWriter",
      "roles/monitoring.editor",
      "roles/run.admin",
      "roles/serviceusage.serviceUsageConsumer",
    ],
    var.enable_edge ? ["roles/compute.loadBalancerAdmin", "roles/compute.securityAdmin", "roles/workflows.editor", "roles/workflows.invoker"] : [],
    var.enable_batch ? ["roles/eventarc.developer"] : [],
    var.enable_bigquery ? ["roles/bigquery.connectionAdmin"] : [],
    var.source_archive == null ? [] : ["roles/cloudfunctions.developer"],
    var.backup_region == null ? [] : ["roles/storagetransfer.user"],
  ))

  project = var.project_id
  role    = each.value
  member  = google_service_account.build.member
}

# Buckets and datasets are created in the project, and administered only where they are an environment's own. Who
# creates a dataset owns it.
resource "google_project_iam_custom_role" "making" {
  role_id     = "surety_making"
  title       = "Surety: make buckets and datasets"
  description = "Create buckets and datasets, without rights over those of others."
  permissions = concat(
    ["bigquery.datasets.create", "storage.buckets.create"],
    var.backup_region == null ? [] : ["bigquery.transfers.get", "bigquery.transfers.update"],
  )
}

resource "google_project_iam_member" "build_makes" {
  project = var.project_id
  role    = google_project_iam_custom_role.making.name
  member  = google_service_account.build.member
}

resource "google_project_iam_member" "build_owns_buckets" {
  project = var.project_id
  role    = "roles/storage.admin"
  member  = google_service_account.build.member

  condition {
    title      = "environment-only"
    expression = "resource.name.startsWith(\"projects/_/buckets/${var.project_id}-${var.environment}-\")"
  }
}

# A function's build reads its source from a bucket that Cloud Functions made.
resource "google_project_iam_member" "build_reads_function_source" {
  for_each = var.source_archive == null ? toset([]) : toset(["roles/storage.objectViewer"])

  project = var.project_id
  role    = each.value
  member  = google_service_account.build.member

  condition {
    title      = "function-sources-only"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-\")"
  }
}

# State, sources and what builds were made of. The bootstrap's own state is in another bucket: an owner applies it.
resource "google_storage_bucket_iam_member" "build_keeps_state" {
  for_each = toset(["roles/storage.bucketViewer", "roles/storage.objectUser"])

  bucket = google_storage_bucket.state.name
  role   = each.value
  member = google_service_account.build.member
}

# A release asks the new revision for a score, with an ID token of its own; a source function is
# built under the same account.
resource "google_service_account_iam_member" "build_is_itself" {
  for_each = toset(["roles/iam.serviceAccountOpenIdTokenCreator", "roles/iam.serviceAccountUser"])

  service_account_id = google_service_account.build.name
  role               = each.value
  member             = google_service_account.build.member
}

# Budgets belong to the billing account; whoever applies this administers it.
resource "google_billing_account_iam_member" "build_sets_budget" {
  for_each = var.billing_account == null ? toset([]) : toset([var.billing_account])

  billing_account_id = each.value
  role               = "roles/billing.costsManager"
  member             = google_service_account.build.member
}
