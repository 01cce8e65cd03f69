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

# What creating the resources of ../ takes, kind by kind; none of these is owner or editor. It may
# act as the accounts it makes, each by a grant of its own there.
resource "google_project_iam_member" "build" {
  #checkov:skip=CKV_GCP_49:the accounts of the workloads are made by the build, and can only be made at project level

  for_each = toset([
    "roles/bigquery.dataOwner",
    "roles/cloudfunctions.developer",
    "roles/cloudscheduler.admin",
    "roles/compute.loadBalancerAdmin",
    "roles/compute.securityAdmin",
    "roles/iam.roleAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/logging.configWriter",
    "roles/logging.logWriter",
    "roles/monitoring.editor",
    "roles/run.admin",
    "roles/serviceusage.serviceUsageConsumer",
    "roles/storage.admin",
  ])

  project = var.project_id
  role    = each.value
  member  = google_service_account.build.member
}

# The only role it may give over the whole project is the one that writes metrics.
resource "google_project_iam_member" "build_grants_metrics" {
  project = var.project_id
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = google_service_account.build.member

  condition {
    title      = "metric-writer-only"
    expression = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/monitoring.metricWriter'])"
  }
}

# Letting a service read a secret must not mean reading it oneself.
resource "google_project_iam_custom_role" "secret_grants" {
  role_id     = "surety_secret_grants"
  title       = "Surety: grant access to secrets"
  permissions = ["secretmanager.secrets.get", "secretmanager.secrets.getIamPolicy", "secretmanager.secrets.setIamPolicy"]
}

resource "google_project_iam_member" "build_grants_secrets" {
  project = var.project_id
  role    = google_project_iam_custom_role.secret_grants.id
  member  = google_service_account.build.member
}

# A release asks the new revision for a score, with an ID token of its own.
resource "google_service_account_iam_member" "build_identifies_itself" {
  service_account_id = google_service_account.build.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = google_service_account.build.member
}
