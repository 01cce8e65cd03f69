# What must exist before anything can be built: APIs, a place for Terraform's state and for images.
resource "google_project_service" "required" {
  for_each = toset(concat([
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "containeranalysis.googleapis.com", # provenance of images
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
    ],
    var.backup_region == null ? [] : ["bigquerydatatransfer.googleapis.com", "storagetransfer.googleapis.com"],
    var.billing_account == null ? [] : ["billingbudgets.googleapis.com", "cloudbilling.googleapis.com"],
    var.enable_batch ? ["eventarc.googleapis.com", "pubsub.googleapis.com"] : [],
    var.enable_bigquery ? ["bigqueryconnection.googleapis.com"] : [],
    var.enable_binary_authorization ? ["binaryauthorization.googleapis.com"] : [],
    # Outside newer organisations compute and cloudfunctions bring an account along that may edit everything.
    var.enable_edge || var.enable_lending ? ["compute.googleapis.com"] : [],
    var.enable_edge ? ["workflowexecutions.googleapis.com", "workflows.googleapis.com"] : [],
    var.enable_lending ? ["servicedirectory.googleapis.com", "sqladmin.googleapis.com"] : [],
    var.source_archive == null ? [] : ["cloudfunctions.googleapis.com"],
    var.github == null && var.bitbucket == null ? [] : ["sts.googleapis.com"],
    var.kms_key == null && var.backup_kms_key == null && !var.enable_binary_authorization ? [] : ["cloudkms.googleapis.com"],
    var.scan_images ? ["containerscanning.googleapis.com"] : [],
  ))

  service            = each.value
  disable_on_destroy = false
}

# A project is one environment's: the accounts of another would take the place of this one's. Applied with another
# environment's variables, this refuses to be replaced, and nothing is changed.
resource "terraform_data" "one_environment_a_project" {
  triggers_replace = [var.project_id, var.environment]

  lifecycle {
    prevent_destroy = true
  }
}

# Terraform's state of ../: old generations kept for a while.
resource "google_storage_bucket" "state" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs record access; a bucket of access logs would need the same care again
  name                        = "${var.project_id}-surety-state"
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 2592000 # what was deleted comes back for a month
  }

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]

    content {
      default_kms_key_name = encryption.value
    }
  }

  # What builds were made from, what they were made of, and their logs.
  lifecycle_rule {
    condition {
      age            = 365
      matches_prefix = ["builds/", "logs/", "source/"]
    }
    action {
      type = "Delete"
    }
  }

  lifecycle_rule {
    condition {
      num_newer_versions = 50
      with_state         = "ARCHIVED"
    }
    action {
      type = "Delete"
    }
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.required, google_kms_crypto_key_iam_member.encrypts]
}

# The bootstrap's own state, which says who may do what: the build has no right here.
resource "google_storage_bucket" "bootstrap" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs record access; a bucket of access logs would need the same care again
  name                        = "${var.project_id}-surety-bootstrap"
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 2592000 # what was deleted comes back for a month
  }

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]

    content {
      default_kms_key_name = encryption.value
    }
  }

  lifecycle_rule {
    condition {
      num_newer_versions = 50
      with_state         = "ARCHIVED"
    }
    action {
      type = "Delete"
    }
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.required, google_kms_crypto_key_iam_member.encrypts]
}

# What Google grants with every new bucket, taken away, as ../default_access.tf does. Owners keep theirs.
resource "google_storage_bucket_iam_binding" "default_access" {
  #checkov:skip=CKV2_SURETY_3:it gives nobody a right, and takes away what Google grants by default

  for_each = {
    for pair in setproduct(["bootstrap", "state"], ["legacyBucketOwner", "legacyBucketReader", "legacyObjectOwner", "legacyObjectReader"]) :
    join(" ", pair) => { bucket = { bootstrap = google_storage_bucket.bootstrap.name, state = google_storage_bucket.state.name }[pair[0]], role = pair[1] }
  }

  bucket  = each.value.bucket
  role    = "roles/storage.${each.value.role}"
  members = endswith(each.value.role, "Owner") ? ["projectOwner:${var.project_id}"] : []
}

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:with kms_key a key of the lender's encrypts them, otherwise Google's own
  repository_id = "surety"
  location      = var.region
  format        = "DOCKER"
  description   = "Images of the scoring service and the training jobs."
  kms_key_name  = var.kms_key

  # Google lists the known weaknesses of what is pushed, and looks again for a month.
  vulnerability_scanning_config {
    enablement_config = var.scan_images ? "INHERITED" : "DISABLED"
  }

  # The newest stay, whatever their age: one of them is what a rollback returns to. Of each release an image's index,
  # list of contents and signature may count as versions too.
  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"

    most_recent_versions {
      keep_count = 100
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"

    condition {
      older_than = "7776000s"
    }
  }

  depends_on = [google_project_service.required, google_kms_crypto_key_iam_member.encrypts]
}
