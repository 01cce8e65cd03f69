# The account under which a pipeline elsewhere submits builds. It may create any build and run it as surety-build, so it
# can do what surety-build can, whatever cloudbuild.yaml says: a merged change to main is what it takes.
locals {
  pools = "projects/${local.project_number}/locations/global/workloadIdentityPools"

  pipelines = merge(
    { for name, source in local.github : name => "${local.pools}/${google_iam_workload_identity_pool.github[name].workload_identity_pool_id}/attribute.repository_id/${source.repository_id}" },
    { for name, _ in local.bitbucket : name => "${local.pools}/${google_iam_workload_identity_pool.bitbucket[name].workload_identity_pool_id}/attribute.source/bitbucket" },
  )
  submit = length(local.pipelines) == 0 ? toset([]) : toset(["submit"])
}

resource "google_service_account" "submit" {
  for_each = local.submit

  account_id   = "surety-submit"
  display_name = "Pipelines elsewhere: submit builds"

  depends_on = [google_project_service.required]
}

resource "google_service_account_iam_member" "pipeline_submits" {
  for_each = local.pipelines

  service_account_id = google_service_account.submit["submit"].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${each.value}"
}

# Creating a build, reading its log while it runs, reading what an environment serves before it is promoted, and
# being counted against this project.
resource "google_project_iam_member" "submit_builds" {
  #checkov:skip=CKV_GCP_49:the role starts builds; it manages no account

  for_each = length(local.submit) == 0 ? toset([]) : toset(["roles/cloudbuild.builds.editor", "roles/logging.viewer", "roles/run.viewer", "roles/serviceusage.serviceUsageConsumer"])

  project = var.project_id
  role    = each.value
  member  = google_service_account.submit["submit"].member
}

resource "google_service_account_iam_member" "submit_as_build" {
  for_each = local.submit

  service_account_id = google_service_account.build.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.submit[each.key].member
}

resource "google_storage_bucket_iam_member" "submit_uploads" {
  for_each = local.submit

  bucket = google_storage_bucket.state.name
  role   = "roles/storage.objectUser"
  member = google_service_account.submit[each.key].member

  condition {
    title      = "source-only"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.state.name}/objects/source/\")"
  }
}

# gcloud shows a build's log while it runs from the objects that the build writes, and from there alone.
resource "google_storage_bucket_iam_member" "submit_reads_log" {
  for_each = local.submit

  bucket = google_storage_bucket.state.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.submit[each.key].member

  condition {
    title      = "logs-only"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.state.name}/objects/logs/\")"
  }
}

# gcloud reads the bucket itself before it uploads, and gives up where it may not.
resource "google_storage_bucket_iam_member" "submit_sees_bucket" {
  for_each = local.submit

  bucket = google_storage_bucket.state.name
  role   = "roles/storage.bucketViewer"
  member = google_service_account.submit[each.key].member
}
