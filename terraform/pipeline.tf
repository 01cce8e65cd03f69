# With enable_pipeline: what arrives every night, as it arrived (the lake) and as tables (the warehouse).
# What fills them is in pipeline_jobs.tf.
locals {
  pipeline = var.enable_pipeline ? toset(["pipeline"]) : toset([])
  # Another warehouse, such as Snowflake, has its own tables and grants.
  warehouse     = var.enable_pipeline && var.pipeline.warehouse_url == null ? toset(["warehouse"]) : toset([])
  warehouse_url = coalesce(var.pipeline.warehouse_url, "bigquery://${var.project_id}/${var.environment}_warehouse?location=${var.region}")
}

resource "google_storage_bucket" "lake" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs record access; a bucket of access logs would need the same care again
  for_each = local.pipeline

  name                        = "${var.project_id}-${var.environment}-lake"
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]

    content {
      default_kms_key_name = encryption.value
    }
  }

  # Raw rows and refused ones are about people: they do not stay for ever.
  lifecycle_rule {
    condition {
      age = var.pipeline.lake_days
    }
    action {
      type = "Delete"
    }
  }

  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 90
      with_state                 = "ARCHIVED"
    }
    action {
      type = "Delete"
    }
  }
}

# Loads are created once and read again; nothing of ours may replace or delete one.
resource "google_storage_bucket_iam_member" "ingest_reads" {
  for_each = local.pipeline

  bucket = google_storage_bucket.lake[each.key].name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.accounts.ingest}"
}

resource "google_storage_bucket_iam_member" "ingest_creates" {
  for_each = local.pipeline

  bucket = google_storage_bucket.lake[each.key].name
  role   = "roles/storage.objectCreator"
  member = "serviceAccount:${local.accounts.ingest}"
}

resource "google_storage_bucket_iam_member" "lake_read" {
  for_each = var.enable_pipeline ? var.auditors : toset([])

  bucket = google_storage_bucket.lake["pipeline"].name
  role   = "roles/storage.objectViewer"
  member = each.value
}

resource "google_bigquery_dataset" "warehouse" {
  #checkov:skip=CKV_GCP_81:with kms_key a key of the lender's encrypts it, otherwise Google's own
  for_each = local.warehouse

  dataset_id                 = "${var.environment}_warehouse"
  location                   = var.region
  description                = "Tables of the data pipeline: every version of every row, features, checks of quality. Their contracts are in training/pipeline."
  delete_contents_on_destroy = !var.deletion_protection

  dynamic "default_encryption_configuration" {
    for_each = var.kms_key == null ? [] : [var.kms_key]

    content {
      kms_key_name = default_encryption_configuration.value
    }
  }
}

# As the decision log's: complete lists, which replace what Google grants by default.
resource "google_bigquery_dataset_iam_binding" "warehouse" {
  #checkov:skip=CKV2_SURETY_3:the list is complete on purpose, because it replaces what Google grants by default

  for_each = length(local.warehouse) == 0 ? {} : {
    "roles/bigquery.dataEditor" = ["serviceAccount:${local.accounts.features}", "serviceAccount:${local.accounts.ingest}"]
    "roles/bigquery.dataOwner"  = ["projectOwners", "serviceAccount:${local.accounts.build}"]
    "roles/bigquery.dataViewer" = concat(tolist(var.auditors), ["serviceAccount:${local.accounts.training}"])
  }

  dataset_id = google_bigquery_dataset.warehouse["warehouse"].dataset_id
  role       = each.key
  members    = each.value
}
