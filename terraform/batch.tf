# With enable_batch: a file that lands in the inbox is scored. A small one by the service that hears of it, a large one
# by the tasks of a job, which that service starts. Nothing here has an address that people or systems may call.
locals {
  batch = var.enable_batch ? toset(["batch"]) : toset([])

  # How long files stay: of applicants, and what was decided about them, as long as other decisions.
  batch_buckets = !var.enable_batch ? {} : {
    inbox   = var.batch.inbox_days
    batches = var.decision_log_days
  }

  batch_settings = !var.enable_batch ? {} : {
    BATCH_STORE           = "gs://${google_storage_bucket.batch["batches"].name}"
    CREDIT_MODELS         = local.settings.CREDIT_MODELS
    DECISION_ANCHOR_STORE = local.settings.DECISION_ANCHOR_STORE
    MODEL_STORE           = local.settings.MODEL_STORE
  }

  # The key of the decision log, if there is one: the records of a batch have the same evidence.
  batch_secrets = { for name, secret in local.secrets : name => secret if name == "DECISION_LOG_KEY" && var.enable_batch }
}

resource "google_storage_bucket" "batch" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs record access; a bucket of access logs would need the same care again
  for_each = local.batch_buckets

  name                        = "${var.project_id}-${var.environment}-${each.key}"
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

  lifecycle_rule {
    condition {
      age = each.value
    }
    action {
      type = "Delete"
    }
  }

  # What replaced or deleted files held is gone a week later: they are about people.
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 7
      with_state                 = "ARCHIVED"
    }
    action {
      type = "Delete"
    }
  }
}

# Hears of files. Its only callers are events, which reach it from within Google's network.
resource "google_cloud_run_v2_service" "batch" {
  for_each = local.batch

  name                = "${var.environment}-batch"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  deletion_protection = var.deletion_protection

  dynamic "binary_authorization" {
    for_each = var.enable_binary_authorization ? ["project"] : []

    content {
      use_default = true
    }
  }

  template {
    service_account       = local.accounts.batch
    execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
    # A file is scored before its event is acknowledged, for which an event has ten minutes.
    timeout                          = "600s"
    max_instance_request_concurrency = 1

    scaling {
      min_instance_count = 0
      max_instance_count = var.batch.max_instances
    }

    containers {
      name    = "batch"
      image   = var.batch_image
      command = ["functions-framework", "--target=finalised", "--source=functions/batch/main.py"]

      ports {
        name           = "http1"
        container_port = 8080
      }

      resources {
        limits            = { cpu = "1", memory = "1Gi" }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(local.tracing, local.batch_settings, {
          AUTH      = "iam"
          BATCH_JOB = "projects/${var.project_id}/locations/${var.region}/jobs/${google_cloud_run_v2_job.batch[each.key].name}"
        })

        content {
          name  = env.key
          value = env.value
        }
      }

      # A reference to a version: values never pass through Terraform.
      dynamic "env" {
        for_each = local.batch_secrets

        content {
          name = env.key

          value_source {
            secret_key_ref {
              secret  = env.value.secret
              version = env.value.version
            }
          }
        }
      }
    }
  }
}

# Its tasks share a file. A task that is killed is started again, and writes the same bytes.
resource "google_cloud_run_v2_job" "batch" {
  for_each = local.batch

  name     = "${var.environment}-batch"
  location = var.region
  # A job holds no data.
  deletion_protection = false

  dynamic "binary_authorization" {
    for_each = var.enable_binary_authorization ? ["project"] : []

    content {
      use_default = true
    }
  }

  template {
    parallelism = var.batch.tasks
    task_count  = var.batch.tasks

    template {
      service_account       = local.accounts.batch
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      timeout               = "${var.batch.timeout_seconds}s"
      max_retries           = 3

      containers {
        image = var.batch_image
        # Whoever starts it names the batch in their place.
        args = ["run", "--batch", "none"]

        resources {
          limits = { cpu = "1", memory = var.batch.memory }
        }

        dynamic "env" {
          for_each = local.batch_settings

          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "env" {
          for_each = local.batch_secrets

          content {
            name = env.key

            value_source {
              secret_key_ref {
                secret  = env.value.secret
                version = env.value.version
              }
            }
          }
        }
      }
    }
  }
}

# The batch is an argument, so starting the job takes the right to give it others.
resource "google_cloud_run_v2_job_iam_member" "batch_starts" {
  for_each = local.batch

  name     = google_cloud_run_v2_job.batch[each.key].name
  location = var.region
  role     = "roles/run.jobsExecutorWithOverrides"
  member   = "serviceAccount:${local.accounts.batch}"
}

# A file whose job failed is scored by naming its batch again. Whoever may do that may run any command of batches as
# their account, which replaces and deletes nothing.
resource "google_cloud_run_v2_job_iam_member" "operator_runs_batch" {
  for_each = var.enable_batch ? var.operators : toset([])

  name     = google_cloud_run_v2_job.batch["batch"].name
  location = var.region
  role     = "roles/run.jobsExecutorWithOverrides"
  member   = each.value
}

resource "google_eventarc_trigger" "inbox" {
  for_each = local.batch

  name            = "${var.environment}-inbox"
  location        = var.region
  service_account = local.accounts.inbox

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.storage.object.v1.finalized"
  }

  matching_criteria {
    attribute = "bucket"
    value     = google_storage_bucket.batch["inbox"].name
  }

  destination {
    cloud_run_service {
      service = google_cloud_run_v2_service.batch[each.key].name
      region  = var.region
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.inbox_tells]
}

resource "google_cloud_run_v2_service_iam_member" "inbox_tells" {
  for_each = local.batch

  name     = google_cloud_run_v2_service.batch[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.accounts.inbox}"
}

resource "google_storage_bucket_iam_member" "batch_reads_models" {
  for_each = local.batch

  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.accounts.batch}"
}

resource "google_storage_bucket_iam_member" "batch_reads" {
  for_each = local.batch_buckets

  bucket = google_storage_bucket.batch[each.key].name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.accounts.batch}"
}

# Everything that a batch writes is created once: nothing here may replace or delete a result, a record or an anchor.
resource "google_storage_bucket_iam_member" "batch_creates" {
  for_each = local.batch

  bucket = google_storage_bucket.batch["batches"].name
  role   = "roles/storage.objectCreator"
  member = "serviceAccount:${local.accounts.batch}"
}

resource "google_storage_bucket_iam_member" "batch_anchors" {
  for_each = local.batch

  bucket = google_storage_bucket.evidence.name
  role   = "roles/storage.objectCreator"
  member = "serviceAccount:${local.accounts.batch}"
}

# Who sends files can neither read nor replace them.
resource "google_storage_bucket_iam_member" "sender_drops" {
  for_each = var.enable_batch ? var.batch.senders : toset([])

  bucket = google_storage_bucket.batch["inbox"].name
  role   = "roles/storage.objectCreator"
  member = each.value
}

resource "google_storage_bucket_iam_member" "reader_fetches" {
  for_each = var.enable_batch ? var.batch.readers : toset([])

  bucket = google_storage_bucket.batch["batches"].name
  role   = "roles/storage.objectViewer"
  member = each.value
}
