# The model bucket: versions are written once by training and read by scoring.
resource "google_storage_bucket" "models" {
  name                        = "${var.project_id}-${var.environment}-models"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  # Old generations of champions/<model>.json; versions themselves are never overwritten.
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 90
    }
    action {
      type = "Delete"
    }
  }
}

resource "google_storage_bucket_iam_member" "scoring_reads" {
  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.scoring.member
}

resource "google_storage_bucket_iam_member" "training_reads" {
  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.training.member
}

# Creating needs no right to delete, so a version can never be replaced.
resource "google_storage_bucket_iam_member" "training_creates" {
  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectCreator"
  member = google_service_account.training.member
}

# Replacing does: only the pointers may be.
resource "google_storage_bucket_iam_member" "training_promotes" {
  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectUser"
  member = google_service_account.training.member

  condition {
    title      = "champions-only"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.models.name}/objects/champions/\")"
  }
}
