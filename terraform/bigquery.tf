# Scores in SQL: a remote function for each model, which calls the scoring service; costs nothing when idle.
locals {
  bigquery = var.enable_bigquery ? toset(["bigquery"]) : toset([])
  # Written by `python -m functions.scoring.bigquery` from the catalogue.
  arguments = jsondecode(file("${path.module}/schemas/bigquery.json"))
  # The connection has an account of its own, which Google made.
  connection_account = one([for c in google_bigquery_connection.scoring : c.cloud_resource[0].service_account_id])
}

resource "google_bigquery_connection" "scoring" {
  for_each = local.bigquery

  connection_id = "${var.environment}-scoring"
  location      = var.region
  description   = "Calls the scoring service."

  cloud_resource {}
}

resource "google_cloud_run_v2_service_iam_member" "bigquery_asks" {
  for_each = local.bigquery

  name     = google_cloud_run_v2_service.scoring.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.connection_account}"
}

resource "google_bigquery_dataset" "scoring" {
  #checkov:skip=CKV_GCP_81:It holds functions and no data
  for_each = local.bigquery

  dataset_id                 = "${var.environment}_scoring"
  location                   = var.region
  description                = "Remote functions that score rows; it holds no data."
  delete_contents_on_destroy = !var.deletion_protection
}

# Calling a function takes the right to see it, and the right to use the connection it calls through.
resource "google_bigquery_dataset_iam_member" "function_seen" {
  for_each = var.enable_bigquery ? var.bigquery_users : toset([])

  dataset_id = google_bigquery_dataset.scoring["bigquery"].dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = each.value
}

resource "google_bigquery_connection_iam_member" "connection_used" {
  for_each = var.enable_bigquery ? var.bigquery_users : toset([])

  connection_id = google_bigquery_connection.scoring["bigquery"].connection_id
  location      = var.region
  role          = "roles/bigquery.connectionUser"
  member        = each.value
}

resource "google_bigquery_routine" "scoring" {
  for_each = var.enable_bigquery ? var.models : {}

  dataset_id      = google_bigquery_dataset.scoring["bigquery"].dataset_id
  routine_id      = each.key
  routine_type    = "SCALAR_FUNCTION"
  description     = "Scores one ${each.key} application by the model in service."
  definition_body = ""
  return_type     = jsonencode({ typeKind = "JSON" })

  dynamic "arguments" {
    for_each = lookup(local.arguments, each.key, [])

    content {
      name      = arguments.value.name
      data_type = jsonencode({ typeKind = arguments.value.type })
    }
  }

  # The service's own address: the token BigQuery brings is for it.
  remote_function_options {
    connection           = google_bigquery_connection.scoring["bigquery"].name
    endpoint             = "${local.scoring_uri}/bigquery/${each.key}"
    max_batching_rows    = 1000
    user_defined_context = {}
  }

  lifecycle {
    precondition {
      condition     = contains(keys(local.arguments), each.key)
      error_message = "terraform/schemas/bigquery.json has no arguments of ${each.key}: write it with `CREDIT_MODELS=... python -m functions.scoring.bigquery`."
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.bigquery_asks]
}
