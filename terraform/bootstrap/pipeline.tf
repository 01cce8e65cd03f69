# With enable_pipeline: what the pipeline's accounts need over the project, and of what is outside ../.
locals {
  # IDs of the secrets, without their versions, by the account that reads them.
  warehouse_secrets = compact([var.pipeline.warehouse_secret])
  source_secrets    = flatten([for source in values(var.pipeline.sources) : compact([source.url_secret, source.token_secret])])

  pipeline_secrets = !var.enable_pipeline ? {} : merge([
    for account, references in {
      features = local.warehouse_secrets
      ingest   = concat(local.source_secrets, local.warehouse_secrets)
      training = local.warehouse_secrets
      } : {
      for reference in references :
      "${account} ${split(":", reference)[0]}" => { account = account, secret = split(":", reference)[0] }
    }
  ]...)

  # Where a source drops its files.
  drop_buckets = toset(!var.enable_pipeline ? [] : [
    for source in values(var.pipeline.sources) : split("/", source.url)[2] if startswith(coalesce(source.url, "-"), "gs://")
  ])

  # Monitoring reads the decision log, the others the warehouse.
  querying = toset(!var.enable_pipeline ? [] : concat(["monitor"], var.pipeline.warehouse_url == null ? ["features", "ingest", "training"] : []))
}

resource "google_secret_manager_secret_iam_member" "pipeline_reads" {
  for_each = local.pipeline_secrets

  secret_id = each.value.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${var.environment}-${each.value.account}@${var.project_id}.iam.gserviceaccount.com"

  depends_on = [google_project_service.required, google_service_account.workload]
}

resource "google_storage_bucket_iam_member" "ingest_reads_drops" {
  for_each = local.drop_buckets

  bucket = each.value
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${var.environment}-ingest@${var.project_id}.iam.gserviceaccount.com"

  depends_on = [google_service_account.workload]
}

# Running a query is a right over the project; which tables it may read is granted beside them.
resource "google_project_iam_member" "pipeline_queries" {
  for_each = local.querying

  project = var.project_id
  role    = "roles/bigquery.jobUser"
  member  = "serviceAccount:${var.environment}-${each.value}@${var.project_id}.iam.gserviceaccount.com"

  depends_on = [google_service_account.workload]
}
