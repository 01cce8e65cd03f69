# Copies in a second region, made once a day: what a lost region would take away, up to a day old.
locals {
  backup  = var.backup_region == null ? toset([]) : toset(["models", "evidence"])
  copied  = { models = google_storage_bucket.models.name, evidence = google_storage_bucket.evidence.name }
  backups = var.backup_region == null ? toset([]) : toset(["decisions"])
  # Storage Transfer works under an account that Google made for the project when the bootstrap asked for it.
  transfer_account = "serviceAccount:project-${local.project_number}@storage-transfer-service.iam.gserviceaccount.com"
}

resource "google_storage_bucket" "backup" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs record access; a bucket of access logs would need the same care again
  for_each = local.backup

  name                        = "${var.project_id}-${var.environment}-backup-${each.key}"
  location                    = var.backup_region
  storage_class               = "NEARLINE"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  # Anchors are neither replaced nor deleted before their time, as in the original: there are no versions of them.
  versioning {
    enabled = each.key == "models"
  }

  dynamic "retention_policy" {
    for_each = each.key == "evidence" && var.deletion_protection ? [var.decision_log_days * 24 * 3600] : []

    content {
      retention_period = tostring(retention_policy.value)
      is_locked        = var.lock_retention
    }
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  dynamic "lifecycle_rule" {
    for_each = each.key == "models" ? [{ noncurrent = 90, age = null, state = "ARCHIVED" }] : [{ noncurrent = null, age = var.decision_log_days + 1, state = null }]

    content {
      condition {
        age                        = lifecycle_rule.value.age
        days_since_noncurrent_time = lifecycle_rule.value.noncurrent
        with_state                 = lifecycle_rule.value.state
      }
      action {
        type = "Delete"
      }
    }
  }

  dynamic "encryption" {
    for_each = var.backup_kms_key == null ? [] : [var.backup_kms_key]

    content {
      default_kms_key_name = encryption.value
    }
  }
}

resource "google_storage_bucket_iam_member" "backup_reads" {
  for_each = { for pair in setproduct(local.backup, ["bucketViewer", "objectViewer"]) : join(" ", pair) => pair }

  bucket = local.copied[each.value[0]]
  role   = "roles/storage.${each.value[1]}"
  member = local.transfer_account
}

resource "google_storage_bucket_iam_member" "backup_writes" {
  for_each = { for pair in setproduct(local.backup, ["bucketViewer", "objectUser"]) : join(" ", pair) => pair }

  bucket = google_storage_bucket.backup[each.value[0]].name
  role   = "roles/storage.${each.value[1]}"
  member = local.transfer_account
}

# Nothing is deleted in the copy: a model that was pruned or removed by mistake stays there, and an anchor for its time.
resource "google_storage_transfer_job" "backup" {
  for_each = local.backup

  description = "${var.environment}: ${each.key}, once a day to ${var.backup_region}"

  transfer_spec {
    gcs_data_source {
      bucket_name = local.copied[each.key]
    }

    gcs_data_sink {
      bucket_name = google_storage_bucket.backup[each.key].name
    }

    transfer_options {
      overwrite_objects_already_existing_in_sink = false
      delete_objects_unique_in_sink              = false
    }
  }

  schedule {
    schedule_start_date {
      year  = 2026
      month = 1
      day   = 1
    }

    start_time_of_day {
      hours   = 3
      minutes = 0
      seconds = 0
      nanos   = 0
    }
  }

  depends_on = [google_storage_bucket_iam_member.backup_reads, google_storage_bucket_iam_member.backup_writes]
}

# The copy of the decisions follows the original within a day, damage included: it is against a lost region. What was
# changed by mistake is in the original's time travel, for seven days.
resource "google_bigquery_dataset" "backup" {
  #checkov:skip=CKV_GCP_81:with backup_kms_key a key of the lender's encrypts it, otherwise Google's own
  for_each = local.backups

  dataset_id                      = "${var.environment}_decisions_backup"
  location                        = var.backup_region
  description                     = "A daily copy of ${var.environment}_decisions."
  default_partition_expiration_ms = var.decision_log_days * 24 * 3600 * 1000
  delete_contents_on_destroy      = !var.deletion_protection

  dynamic "default_encryption_configuration" {
    for_each = var.backup_kms_key == null ? [] : [var.backup_kms_key]

    content {
      kms_key_name = default_encryption_configuration.value
    }
  }
}

# As the original's: complete lists, which replace what Google grants by default.
resource "google_bigquery_dataset_iam_binding" "backup" {
  #checkov:skip=CKV2_SURETY_3:the list is complete on purpose, because it replaces what Google grants by default

  for_each = var.backup_region == null ? {} : {
    "roles/bigquery.dataEditor" = []
    "roles/bigquery.dataOwner"  = ["projectOwners", "serviceAccount:${local.accounts.backup}", "serviceAccount:${local.accounts.build}"]
    "roles/bigquery.dataViewer" = var.auditors
  }

  dataset_id = google_bigquery_dataset.backup["decisions"].dataset_id
  role       = each.key
  members    = each.value
}

resource "google_bigquery_data_transfer_config" "backup" {
  for_each = local.backups

  display_name           = "${var.environment}-decisions-backup"
  data_source_id         = "cross_region_copy"
  location               = var.backup_region
  destination_dataset_id = google_bigquery_dataset.backup[each.key].dataset_id
  service_account_name   = local.accounts.backup
  schedule               = "every 24 hours"

  params = {
    source_project_id           = var.project_id
    source_dataset_id           = google_bigquery_dataset.decisions.dataset_id
    overwrite_destination_table = "true"
  }

  depends_on = [google_bigquery_dataset_iam_binding.backup, google_bigquery_dataset_iam_binding.decisions_read]
}
