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

# What creating the resources of ../ takes, kind by kind. It makes no accounts, roles or grants over
# the project, and reads no secrets; it can read the buckets and the decision log it makes.
resource "google_project_iam_member" "build" {
  for_each = toset(concat(
    [
      "roles/bigquery.dataOwner",
      "roles/cloudscheduler.admin",
      "roles/logging.configWriter",
      "roles/logging.logWriter",
      "roles/monitoring.editor",
      "roles/run.admin",
      "roles/serviceusage.serviceUsageConsumer",
      "roles/storage.admin",
    ],
    var.enable_edge ? ["roles/compute.loadBalancerAdmin", "roles/compute.securityAdmin"] : [],
    var.enable_bigquery ? ["roles/bigquery.connectionAdmin"] : [],
    var.source_archive == null ? [] : ["roles/cloudfunctions.developer"],
  ))

  project = var.project_id
  role    = each.value
  member  = google_service_account.build.member
}

# A release asks the new revision for a score, with an ID token of its own; a source function is
# built under the same account.
resource "google_service_account_iam_member" "build_is_itself" {
  for_each = toset(["roles/iam.serviceAccountOpenIdTokenCreator", "roles/iam.serviceAccountUser"])

  service_account_id = google_service_account.build.name
  role               = each.value
  member             = google_service_account.build.member
}
