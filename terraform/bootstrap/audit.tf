# Who read or wrote an object, a secret or an account's token, in Cloud Audit Logs. BigQuery's are always on.
resource "google_project_iam_audit_config" "data_access" {
  for_each = var.audit_data_access ? {
    "iamcredentials.googleapis.com" = ["DATA_READ"]
    "secretmanager.googleapis.com"  = ["DATA_READ", "DATA_WRITE"]
    "storage.googleapis.com"        = ["DATA_READ", "DATA_WRITE"]
  } : {}

  project = var.project_id
  service = each.key

  dynamic "audit_log_config" {
    for_each = each.value

    content {
      log_type = audit_log_config.value
    }
  }
}
