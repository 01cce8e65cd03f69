# Once a day what exists is compared with what was applied last; a difference, made by hand, is an alert.
locals {
  drift = var.enable_drift_check ? toset(["drift"]) : toset([])

  # This folder as it is being applied, and the files of ../infra that it reads.
  applied = merge(
    {
      for name in setunion(fileset(path.module, "*.tf"), fileset(path.module, "schemas/*.json"), fileset(path.module, "environments/*.tfvars")) :
      "terraform/${name}" => file("${path.module}/${name}")
    },
    { for name in ["placeholder.py", "probe.yaml", "monitoring/dashboard.json"] : "infra/${name}" => file("${path.module}/../infra/${name}") },
  )

  unpack = "import json, pathlib, sys\nfor name, text in json.load(sys.stdin).items():\n    path = pathlib.Path(name)\n    path.parent.mkdir(parents=True, exist_ok=True)\n    path.write_text(text)"

  # The archive of a function deployed from source goes where the variable names it: the plan takes its hash.
  fetch = join("\n", concat(
    ["gcloud storage cat gs://${local.state_bucket}/applied/${var.environment}.json | python3 -c '${local.unpack}'"],
    [for object in google_storage_bucket_object.source : "gcloud storage cp gs://${object.bucket}/${object.name} \"terraform/${var.source_archive}\""],
  ))

  drift_plan = <<-EOT
    terraform init -input=false -backend-config=bucket=${local.state_bucket} -backend-config=prefix=${var.environment} || code=1
    [ -n "$code" ] || { terraform plan -input=false -lock=false -detailed-exitcode -var-file=environments/${var.environment}.tfvars; code=$?; }
    case $code in
    0) echo "surety drift ${var.environment}: none" ;;
    2) echo "surety drift ${var.environment}: found" ;;
    *) echo "surety drift ${var.environment}: not checked" ;;
    esac
    exit $code
  EOT

  state_bucket = "${var.project_id}-surety-state"
}

resource "google_storage_bucket_object" "applied" {
  for_each = local.drift

  bucket  = local.state_bucket
  name    = "applied/${var.environment}.json"
  content = jsonencode(local.applied)
}

# The build runs under an account that may look at everything but data, and change nothing.
resource "google_cloud_scheduler_job" "drift" {
  for_each = local.drift

  name             = "${var.environment}-drift"
  region           = var.region
  schedule         = "30 5 * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"

  http_target {
    http_method = "POST"
    uri         = "https://cloudbuild.googleapis.com/v1/projects/${var.project_id}/locations/${coalesce(var.build_region, var.region)}/builds"
    headers     = { "Content-Type" = "application/json" }

    body = base64encode(jsonencode({
      serviceAccount = "projects/${var.project_id}/serviceAccounts/${local.accounts.drift}"
      timeout        = "1200s"
      options        = { logging = "CLOUD_LOGGING_ONLY" }
      steps = [
        {
          id         = "fetch"
          name       = "gcr.io/google.com/cloudsdktool/google-cloud-cli:slim"
          entrypoint = "sh"
          args       = ["-euc", replace(local.fetch, "$", "$$")] # a single one is Cloud Build's
        },
        {
          id         = "plan"
          name       = "hashicorp/terraform:1.11"
          dir        = "terraform"
          entrypoint = "sh"
          args       = ["-c", replace(local.drift_plan, "$", "$$")]
        },
      ]
    }))

    oauth_token {
      service_account_email = local.accounts.drift
      scope                 = "https://www.googleapis.com/auth/cloud-platform"
    }
  }
}
