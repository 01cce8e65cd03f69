# One training job a model: it publishes a version, and promotes it if it is the first or better.
resource "google_cloud_run_v2_job" "training" {
  for_each = var.models

  name                = "${var.environment}-train-${replace(each.key, "_", "-")}"
  location            = var.region
  deletion_protection = var.deletion_protection

  template {
    template {
      service_account = google_service_account.training.email
      timeout         = "3600s"
      max_retries     = 1

      containers {
        image = var.training_image
        args = concat(
          ["train", "--model", each.key],
          each.value.data == null ? [] : ["--data", each.value.data],
        )

        resources {
          limits = { cpu = "2", memory = "4Gi" }
        }

        env {
          name  = "MODEL_STORE"
          value = "gs://${google_storage_bucket.models.name}"
        }
      }
    }
  }

  # Cloud Build releases images; Terraform must not take them back.
  lifecycle {
    ignore_changes = [client, client_version, template[0].template[0].containers[0].image]
  }
}

resource "google_storage_bucket_iam_member" "training_reads_data" {
  for_each = var.data_buckets

  bucket = each.value
  role   = "roles/storage.objectViewer"
  member = google_service_account.training.member
}

resource "google_service_account" "training" {
  account_id   = "${var.environment}-training"
  display_name = "Training jobs: publish and promote models"
}
