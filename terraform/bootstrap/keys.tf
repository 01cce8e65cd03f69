# A key of the lender's own, with kms_key: Google's accounts that encrypt with it, and nobody else, may use it.
# Google makes its accounts when they are first asked for; ../../infra/bootstrap.sh asks before this is applied.
data "google_project" "here" {
  project_id = var.project_id
}

locals {
  project_number = data.google_project.here.number

  google_accounts = merge(
    {
      bigquery = "bq-${local.project_number}@bigquery-encryption.iam.gserviceaccount.com"
      images   = "service-${local.project_number}@gcp-sa-artifactregistry.iam.gserviceaccount.com"
      storage  = "service-${local.project_number}@gs-project-accounts.iam.gserviceaccount.com"
    },
    var.enable_lending ? { database = "service-${local.project_number}@gcp-sa-cloud-sql.iam.gserviceaccount.com" } : {},
  )

  encrypting = merge(
    var.kms_key == null ? {} : { for name, email in local.google_accounts : name => { key = var.kms_key, email = email } },
    var.backup_kms_key == null ? {} : { for name in ["bigquery", "storage"] : "backup-${name}" => { key = var.backup_kms_key, email = local.google_accounts[name] } },
  )
}

resource "google_kms_crypto_key_iam_member" "encrypts" {
  for_each = local.encrypting

  crypto_key_id = each.value.key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:${each.value.email}"

  depends_on = [google_project_service.required]
}
