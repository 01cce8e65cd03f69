output "example_request" {
  description = "A request with your own identity, to paste into a shell."
  value       = "curl -H \"Authorization: Bearer $(gcloud auth print-identity-token)\" -H 'Content-Type: application/json' -d @docs/examples/application.json ${google_cloud_run_v2_service.scoring.uri}/predict"
}

output "model_store" {
  description = "The bucket as MODEL_STORE names it."
  value       = "gs://${google_storage_bucket.models.name}"
}

output "scoring_url" {
  description = "Address of the scoring service."
  value       = google_cloud_run_v2_service.scoring.uri
}

output "train" {
  description = "Commands that train a model now, one a model."
  value       = { for name, job in google_cloud_run_v2_job.training : name => "gcloud run jobs execute ${job.name} --region ${var.region}" }
}
