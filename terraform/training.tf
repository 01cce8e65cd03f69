locals {
  training_arguments = {
    for name, model in var.models :
    name => concat(["train", "--model", name], model.data == null ? [] : ["--data", model.data])
  }
  # Where `data` is warehouse:<day>, training reads the feature rows of the pipeline.
  from_warehouse = { for name, model in var.models : name => startswith(coalesce(model.data, "-"), "warehouse:") }
}

# One training job a model: it publishes a version, and promotes it if it is the first or better.
resource "google_cloud_run_v2_job" "training" {
  for_each = var.models

  name     = "${var.environment}-train-${replace(each.key, "_", "-")}"
  location = var.region
  # A job holds no data: taking a model out of `models` removes its job, and versions stay in the bucket.
  deletion_protection = false

  dynamic "binary_authorization" {
    for_each = var.enable_binary_authorization ? ["project"] : []

    content {
      use_default = true
    }
  }

  template {
    parallelism = 1
    task_count  = 1

    template {
      service_account       = local.accounts.training
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      timeout               = "${each.value.timeout_seconds}s"
      max_retries           = 1

      containers {
        image   = coalesce(var.training_image, local.placeholder_image)
        command = var.training_image == null ? ["python", "-c", "raise SystemExit('no image has been released yet')"] : null
        args    = local.training_arguments[each.key]

        resources {
          limits = { cpu = "2", memory = each.value.memory }
        }

        env {
          name  = "MODEL_STORE"
          value = local.settings.MODEL_STORE
        }

        env {
          name  = "CREDIT_MODELS"
          value = local.settings.CREDIT_MODELS
        }

        dynamic "env" {
          for_each = local.from_warehouse[each.key] ? local.warehouse_settings : {}

          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "env" {
          for_each = local.from_warehouse[each.key] ? local.warehouse_secrets : {}

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

  # Releases own image and command, and gcloud signs what it changes; Terraform must not take that
  # back.
  lifecycle {
    ignore_changes = [
      annotations,
      client,
      client_version,
      template[0].annotations,
      template[0].labels,
      template[0].template[0].containers[0].command,
      template[0].template[0].containers[0].image,
    ]
  }
}
