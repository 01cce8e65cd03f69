# The model bucket: versions are written once by training and read by scoring.
resource "google_storage_bucket" "models" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs record access; a bucket of access logs would need the same care again
  name                        = "${var.project_id}-${var.environment}-models"
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

  # Features of applicants serve for two days.
  dynamic "lifecycle_rule" {
    for_each = local.pipeline

    content {
      condition {
        age            = 7
        matches_prefix = ["features/"]
      }
      action {
        type = "Delete"
      }
    }
  }

  # Old generations of champions/<model>.json, and what was pruned; versions are never overwritten.
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

resource "google_storage_bucket_iam_member" "scoring_reads" {
  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.accounts.scoring}"
}

resource "google_storage_bucket_iam_member" "training_reads" {
  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.accounts.training}"
}

# Creating needs no right to delete, so a version can never be replaced.
resource "google_storage_bucket_iam_member" "training_creates" {
  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectCreator"
  member = "serviceAccount:${local.accounts.training}"
}

locals {
  champions = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.models.name}/objects/champions/\")"
  # A record of a move is created once. Nobody may replace or remove it, nor a proposal.
  recorded = [for folder in ["moves", "proposals"] : "resource.name.extract(\"/objects/champions/{model}/${folder}/\") == \"\""]
  pointers = join(" && ", concat([local.champions], local.recorded))
}

# Replacing does: only the pointers may be.
resource "google_storage_bucket_iam_member" "training_promotes" {
  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${local.accounts.training}"

  condition {
    title      = "pointers-only"
    expression = local.pointers
  }
}

# People promote and roll back as training does: they read everything and replace pointers.
resource "google_storage_bucket_iam_member" "operator_reads" {
  for_each = var.operators

  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectViewer"
  member = each.value
}

resource "google_storage_bucket_iam_member" "operator_promotes" {
  for_each = var.operators

  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectUser"
  member = each.value

  condition {
    title      = "pointers-only"
    expression = local.pointers
  }
}

# The record of a move is created before the move.
resource "google_storage_bucket_iam_member" "operator_records" {
  for_each = var.operators

  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectCreator"
  member = each.value

  condition {
    title      = "champions-only"
    expression = local.champions
  }
}

# The retrain service promotes and rolls back for its callers, with the rights of an operator.
resource "google_storage_bucket_iam_member" "retrain_reads" {
  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.accounts.retrain}"
}

resource "google_storage_bucket_iam_member" "retrain_promotes" {
  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${local.accounts.retrain}"

  condition {
    title      = "pointers-only"
    expression = local.pointers
  }
}

resource "google_storage_bucket_iam_member" "retrain_records" {
  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectCreator"
  member = "serviceAccount:${local.accounts.retrain}"

  condition {
    title      = "champions-only"
    expression = local.champions
  }
}

# Removing old versions is a person's right; no workload has it.
resource "google_storage_bucket_iam_member" "operator_prunes" {
  for_each = var.operators

  bucket = google_storage_bucket.models.name
  role   = "projects/${var.project_id}/roles/surety_pruning" # of bootstrap/
  member = each.value

  condition {
    title      = "versions-only"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.models.name}/objects/versions/\")"
  }
}
