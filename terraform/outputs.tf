output "batch_url" {
  description = "Address of the API of batches, with enable_batch."
  value       = one([for name, service in google_cloud_run_v2_service.batch : service.uri if name == "batch-api"])
}

output "bigquery_functions" {
  description = "The remote functions, as SQL names them, with enable_bigquery."
  value       = [for f in google_bigquery_routine.scoring : "`${var.project_id}.${f.dataset_id}.${f.routine_id}`"]
}

output "certificate" {
  description = "State of the certificate of the domains, as a command to paste, with enable_edge."
  value       = one([for c in google_compute_managed_ssl_certificate.scoring : "gcloud compute ssl-certificates describe ${c.name} --project=${var.project_id} --global"])
}

output "dashboard_url" {
  description = "Cloud Run's own address of the dashboard, with enable_dashboard; dashboard.url must lead to it."
  value       = one([for service in google_cloud_run_v2_service.dashboard : service.uri])
}

output "decisions" {
  description = "The newest decisions, as a command to paste."
  value       = "bq --project_id=${var.project_id} query --use_legacy_sql=false 'SELECT timestamp, jsonPayload.model, a.decision, a.probability_of_default FROM `${var.project_id}.${google_bigquery_dataset.decisions.dataset_id}.${google_bigquery_table.decisions.table_id}`, UNNEST(jsonPayload.applications) AS a WHERE timestamp > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 DAY) ORDER BY timestamp DESC LIMIT 20'"
}

output "edge_address" {
  description = "Where the address records of `domain` and `lending.domain` must point, with enable_edge."
  value       = one([for address in google_compute_global_address.scoring : address.address])
}

output "example_request" {
  description = "A request with your own identity, as a command to paste."
  value       = "curl -H \"Authorization: Bearer $(gcloud auth print-identity-token)\" -H 'Content-Type: application/json' -d @docs/examples/application.json ${local.scoring_url}/predict"
}

output "lending_url" {
  description = "Address of the loan book, with enable_lending: its domain where only the load balancer reaches it."
  value       = one([for service in google_cloud_run_v2_service.lending : local.is_lending_edge_only ? "https://${var.lending.domain}" : service.uri])
}

output "model_store" {
  description = "The bucket as MODEL_STORE names it."
  value       = local.settings.MODEL_STORE
}

output "open_book" {
  description = "Opens the first business day of an empty loan book, as a command to paste, with enable_lending."
  value       = var.enable_lending ? "gcloud run jobs execute ${var.environment}-lending-close --project=${var.project_id} --region=${var.region} --wait --args=open,--date,$(date -u +%F)" : null
}

output "open_source_function" {
  description = "Opens the source function to callers without a Google identity, as a command to paste; with source_archive and allow_public."
  value       = var.allow_public && var.source_archive != null ? "gcloud run services update ${var.environment}-scoring-source --project=${var.project_id} --region=${var.region} --no-invoker-iam-check" : null
}

output "promote" {
  description = "Promotes a version, as a command to paste; V is one of `versions`."
  value       = "python -m training promote --model ${var.default_model} --store ${local.settings.MODEL_STORE} --version V"
}

output "retrain" {
  description = "Starts a training run, as a command to paste; with retrain_ingress = \"internal\" from within the project's networks."
  value       = "curl -X POST -H \"Authorization: Bearer $(gcloud auth print-identity-token)\" -H 'Content-Type: application/json' -d '{\"model\": \"${var.default_model}\"}' ${local.retrain_uri}/train"
}

output "roll_back_model" {
  description = "Returns to the champion before, as a command to paste."
  value       = "python -m training rollback --model ${var.default_model} --store ${local.settings.MODEL_STORE}"
}

output "roll_back_release" {
  description = "Sends all traffic back to the revision before, as a command to paste."
  value       = "make rollback ENVIRONMENT=${var.environment}"
}

output "scoring_url" {
  description = "Address of the scoring service."
  value       = local.scoring_url
}

output "versions" {
  description = "Lists the published versions of a model, as a command to paste."
  value       = "python -m training versions --model ${var.default_model} --store ${local.settings.MODEL_STORE}"
}

locals {
  scoring_url = var.edge_only ? "https://${var.domain}" : local.scoring_uri
}
