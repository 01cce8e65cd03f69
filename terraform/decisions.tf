# The decision log: out of the log everyone reads, into a dataset that expires and few may read.
locals {
  decisions = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(\"${join("\" OR \"", local.scoring_services)}\") AND jsonPayload.record=\"decision\""
  # A source function is a Cloud Run service of the function's name.
  scoring_services = compact([
    google_cloud_run_v2_service.scoring.name,
    one(google_cloudfunctions2_function.scoring[*].name),
  ])
  sink_writer = google_logging_project_sink.decisions.writer_identity
}

resource "google_bigquery_dataset" "decisions" {
  #checkov:skip=CKV_GCP_81:with kms_key a key of the lender's encrypts it, otherwise Google's own
  dataset_id                      = "${var.environment}_decisions"
  location                        = var.region
  description                     = "Every decision the scoring service answered, without protected and private fields."
  default_partition_expiration_ms = var.decision_log_days * 24 * 3600 * 1000
  delete_contents_on_destroy      = !var.deletion_protection

  dynamic "default_encryption_configuration" {
    for_each = var.kms_key == null ? [] : [var.kms_key]

    content {
      kms_key_name = default_encryption_configuration.value
    }
  }
}

# Cloud Logging names the table and adds columns for models outside the catalogue by itself.
resource "google_bigquery_table" "decisions" {
  #checkov:skip=CKV_GCP_80:with kms_key a key of the lender's encrypts it, otherwise Google's own
  dataset_id          = google_bigquery_dataset.decisions.dataset_id
  table_id            = "run_googleapis_com_stdout"
  schema              = file("${path.module}/schemas/decisions.json")
  deletion_protection = var.deletion_protection

  time_partitioning {
    type          = "DAY"
    field         = "timestamp"
    expiration_ms = var.decision_log_days * 24 * 3600 * 1000
  }

  dynamic "encryption_configuration" {
    for_each = var.kms_key == null ? [] : [var.kms_key]

    content {
      kms_key_name = encryption_configuration.value
    }
  }

  lifecycle {
    ignore_changes = [schema]
  }
}

resource "google_logging_project_sink" "decisions" {
  name                   = "${var.environment}-decisions"
  destination            = "bigquery.googleapis.com/${google_bigquery_dataset.decisions.id}"
  filter                 = local.decisions
  unique_writer_identity = true

  bigquery_options {
    use_partitioned_tables = true
  }
}

# Who may do what with the dataset, written out role by role. A dataset made without this lets everyone read it
# who may view the project; so nobody else may, whatever a person adds by hand.
resource "google_bigquery_dataset_iam_binding" "decisions_owned" {
  #checkov:skip=CKV2_SURETY_3:the list is complete on purpose, because it replaces what Google grants by default

  dataset_id = google_bigquery_dataset.decisions.dataset_id
  role       = "roles/bigquery.dataOwner"
  members    = ["projectOwners", "serviceAccount:${local.accounts.build}"]
}

resource "google_bigquery_dataset_iam_binding" "decisions_written" {
  #checkov:skip=CKV2_SURETY_3:the list is complete on purpose, because it replaces what Google grants by default

  dataset_id = google_bigquery_dataset.decisions.dataset_id
  role       = "roles/bigquery.dataEditor"
  members    = [local.sink_writer]
}

resource "google_bigquery_dataset_iam_binding" "decisions_read" {
  #checkov:skip=CKV2_SURETY_3:the list is complete on purpose, because it replaces what Google grants by default

  dataset_id = google_bigquery_dataset.decisions.dataset_id
  role       = "roles/bigquery.dataViewer"
  # A copy reads its source under the account of the backup, and monitoring what it measures.
  members = concat(
    tolist(var.auditors),
    var.backup_region == null ? [] : ["serviceAccount:${local.accounts.backup}"],
    var.enable_pipeline ? ["serviceAccount:${local.accounts.monitor}"] : [],
  )
}

# An exclusion of the project is one of its `_Default` sink; other sinks are not touched.
resource "google_logging_project_exclusion" "decisions" {
  name        = "${var.environment}-decisions"
  description = "Decision records live in BigQuery only."
  filter      = local.decisions

  # First the place they go to: what is excluded before that is nowhere.
  depends_on = [google_logging_project_sink.decisions, google_bigquery_dataset_iam_binding.decisions_written]
}
