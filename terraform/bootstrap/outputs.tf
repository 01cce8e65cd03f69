output "build_account" {
  description = "The account builds run as."
  value       = google_service_account.build.email
}

output "images" {
  description = "Where images are pushed."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
}

output "state_bucket" {
  description = "Bucket of Terraform's state."
  value       = google_storage_bucket.state.name
}

output "workload_identity_provider" {
  description = "What google-github-actions/auth is given, with github; its account is surety-submit."
  value       = one([for provider in google_iam_workload_identity_pool_provider.github : provider.name])
}
