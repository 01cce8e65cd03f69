# Another way to the same function: built by Google from source, without a Dockerfile of ours.
resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs record access; a bucket of access logs would need the same care again
  count = var.source_archive == null ? 0 : 1

  name                        = "${var.project_id}-${var.environment}-source"
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  versioning {
    enabled = true
  }

  # What no function was built from for a year.
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 365
      with_state                 = "ARCHIVED"
    }
    action {
      type = "Delete"
    }
  }

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]

    content {
      default_kms_key_name = encryption.value
    }
  }
}

# The archive's hash is its name: a changed archive is a new object, and a new build.
resource "google_storage_bucket_object" "source" {
  count = var.source_archive == null ? 0 : 1

  bucket = google_storage_bucket.source[0].name
  name   = "scoring-${filesha256(var.source_archive)}.zip"
  source = var.source_archive
}

resource "google_storage_bucket_iam_member" "drift_reads_source" {
  for_each = var.source_archive != null && var.enable_drift_check ? toset(["drift"]) : toset([])

  bucket = google_storage_bucket.source[0].name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.accounts.drift}"
}

resource "google_cloudfunctions2_function" "scoring" {
  #checkov:skip=CKV_GCP_124:callers sit outside the project; who they are is checked by IAM
  count = var.source_archive == null ? 0 : 1

  name     = "${var.environment}-scoring-source"
  location = var.region

  build_config {
    runtime           = "python311"
    entry_point       = "scoring"
    service_account   = "projects/${var.project_id}/serviceAccounts/${local.accounts.build}"
    docker_repository = "projects/${var.project_id}/locations/${var.region}/repositories/surety"

    source {
      storage_source {
        bucket = google_storage_bucket.source[0].name
        object = google_storage_bucket_object.source[0].name
      }
    }
  }

  service_config {
    service_account_email            = local.accounts.scoring
    available_cpu                    = "1"
    available_memory                 = var.scoring_memory
    max_instance_request_concurrency = var.concurrency
    min_instance_count               = var.min_instances
    max_instance_count               = var.max_instances
    timeout_seconds                  = 30
    ingress_settings                 = var.edge_only ? "ALLOW_INTERNAL_AND_GCLB" : "ALLOW_ALL"
    environment_variables            = merge(local.settings, { FORWARDED_HOPS = "1" }) # no load balancer leads here

    dynamic "secret_environment_variables" {
      for_each = local.secrets

      content {
        key        = secret_environment_variables.key
        project_id = var.project_id
        secret     = secret_environment_variables.value.secret
        version    = secret_environment_variables.value.version
      }
    }
  }
}

# A function has no switch for Cloud Run's check: with allow_public, the output `open_source_function` is the
# command that turns it off.
resource "google_cloud_run_v2_service_iam_member" "source_invoker" {
  for_each = var.source_archive == null ? toset([]) : var.invokers

  name     = google_cloudfunctions2_function.scoring[0].name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value
}
