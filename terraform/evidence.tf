# Heads of the decision log's chains: created once by scoring, replaced or deleted by nobody before
# the records they vouch for are deleted themselves.
resource "google_storage_bucket" "evidence" {
  #checkov:skip=CKV_GCP_78:nothing is replaced or deleted before its time, so there would be no versions
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs record access; a bucket of access logs would need the same care again
  name                        = "${var.project_id}-${var.environment}-evidence"
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  # An environment that may be destroyed holds nothing back: the provider deletes objects one by one, and
  # would be refused. `lock_retention` cannot be undone, so that is a person's decision.
  dynamic "retention_policy" {
    for_each = var.deletion_protection ? [var.decision_log_days * 24 * 3600] : []

    content {
      retention_period = tostring(retention_policy.value)
      is_locked        = var.lock_retention
    }
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

  lifecycle_rule {
    condition {
      age = var.decision_log_days + 1
    }
    action {
      type = "Delete"
    }
  }
}

# Creating needs no right to delete, so an anchor can never be replaced; nor can scoring read one.
resource "google_storage_bucket_iam_member" "scoring_anchors" {
  bucket = google_storage_bucket.evidence.name
  role   = "roles/storage.objectCreator"
  member = "serviceAccount:${local.accounts.scoring}"
}

resource "google_storage_bucket_iam_member" "anchors_read" {
  for_each = var.auditors

  bucket = google_storage_bucket.evidence.name
  role   = "roles/storage.objectViewer"
  member = each.value
}
