output "bootstrap_bucket" {
  description = "Bucket of the bootstrap's own state."
  value       = google_storage_bucket.bootstrap.name
}

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

output "workload_identity_providers" {
  description = "What a pipeline's login is given, by pipeline: with github or bitbucket. The account is surety-submit."
  value = merge(
    { for name, provider in google_iam_workload_identity_pool_provider.github : name => provider.name },
    { for name, provider in google_iam_workload_identity_pool_provider.bitbucket : name => provider.name },
  )
}
