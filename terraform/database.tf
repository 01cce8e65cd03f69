# With enable_lending: the loan book's database. It has no public address, no password, and comes back to any moment
# of the last week. An address in a network of its own, made by bootstrap/, leads to this one instance and nowhere else.
locals {
  lending = var.enable_lending ? toset(["lending"]) : toset([])

  # A user of the database is an account, without the end of its address.
  database_users = { for name in ["close", "deliver", "lending", "migrate", "sweep"] : name => trimsuffix(local.accounts[name], ".gserviceaccount.com") }

  # After a restore, that of the copy: docs/loan-book.md.
  database_name    = coalesce(var.lending.database.name, "${var.environment}-lending")
  database_ca      = join("\n", flatten([for instance in google_sql_database_instance.lending : instance.server_ca_cert[*].cert]))
  database_link    = one([for instance in google_sql_database_instance.lending : instance.psc_service_attachment_link])
  lending_network  = "projects/${var.project_id}/global/networks/${var.environment}-lending"
  lending_subnet   = "projects/${var.project_id}/regions/${var.region}/subnetworks/${var.environment}-lending"
  database_address = cidrhost(var.lending.range, 5)

  # Only the server that has a certificate of this instance's own authority is given a token.
  database_urls = {
    for name, user in local.database_users :
    name => "postgresql://${urlencode(user)}@${local.database_address}/lending?auth=iam${name == "migrate" ? "&options=-c%20role%3Dcloudsqlsuperuser" : ""}&ca=${urlencode(local.database_ca)}"
  }
}

resource "google_sql_database_instance" "lending" {
  #checkov:skip=CKV_GCP_79:the newest version is a variable's default; another one is a choice, and an upgrade is planned
  #checkov:skip=CKV_GCP_6:it knows require_ssl, which is gone; ssl_mode refuses what is not encrypted
  #checkov:skip=CKV2_GCP_20:binary logs are MySQL's; here the write-ahead log is archived, for point_in_time_recovery
  for_each = local.lending

  name                = local.database_name
  region              = var.region
  database_version    = var.lending.database.version
  encryption_key_name = var.kms_key
  deletion_protection = var.deletion_protection

  settings {
    edition           = "ENTERPRISE"
    tier              = var.lending.database.tier
    availability_type = var.lending.database.availability
    disk_type         = "PD_SSD"
    disk_size         = var.lending.database.disk_gb
    disk_autoresize   = true
    # The API refuses too, whoever asks: not only Terraform.
    deletion_protection_enabled = var.deletion_protection
    retain_backups_on_delete    = var.deletion_protection

    backup_configuration {
      enabled                        = true
      location                       = coalesce(var.backup_region, var.region)
      start_time                     = "23:00" # before the close of the day
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = var.lending.database.backups
        retention_unit   = "COUNT"
      }
    }

    final_backup_config {
      enabled        = var.deletion_protection
      retention_days = var.deletion_protection ? 30 : null
    }

    # An hour in which nothing of ours runs by the clock.
    maintenance_window {
      day          = 7
      hour         = 4
      update_track = "stable"
    }

    ip_configuration {
      ipv4_enabled = false
      ssl_mode     = "ENCRYPTED_ONLY"

      psc_config {
        psc_enabled               = true
        allowed_consumer_projects = [var.project_id]
      }
    }

    # What is slow can be seen; a statement's values are about people, so no statement is logged.
    insights_config {
      query_insights_enabled  = true
      query_string_length     = 1024
      record_application_tags = false
      record_client_address   = false
    }

    dynamic "database_flags" {
      for_each = {
        "cloudsql.enable_pgaudit"     = "on"
        "cloudsql.iam_authentication" = "on"
        "log_checkpoints"             = "on"
        "log_connections"             = "on"
        "log_disconnections"          = "on"
        "log_lock_waits"              = "on"
        "log_min_duration_statement"  = "-1"
        "log_min_error_statement"     = "panic"
        "log_statement"               = "none"
        "max_connections"             = tostring(var.lending.database.max_connections)
      }

      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }
}

# Terraform destroys a database before its instance, which would be refused too late: this one goes with the instance.
resource "google_sql_database" "lending" {
  for_each = local.lending

  name            = "lending"
  instance        = google_sql_database_instance.lending[each.key].name
  deletion_policy = "ABANDON"
}

# An account signs in with a token that lives for an hour. Its rights on tables are what the migration grants.
resource "google_sql_user" "lending" {
  for_each = var.enable_lending ? local.database_users : {}

  name            = each.value
  instance        = google_sql_database_instance.lending["lending"].name
  type            = "CLOUD_IAM_SERVICE_ACCOUNT"
  database_roles  = each.key == "migrate" ? ["cloudsqlsuperuser"] : null
  deletion_policy = "ABANDON"
}

# Private Service Connect: one address of our network that is this instance. Nothing of either network is joined.
resource "google_compute_address" "lending" {
  for_each = local.lending

  name         = "${var.environment}-lending-database"
  region       = var.region
  address_type = "INTERNAL"
  subnetwork   = local.lending_subnet
  address      = local.database_address
}

resource "google_compute_forwarding_rule" "lending" {
  for_each = local.lending

  name                  = "${var.environment}-lending-database"
  region                = var.region
  network               = local.lending_network
  ip_address            = google_compute_address.lending[each.key].id
  load_balancing_scheme = ""
  target                = local.database_link
}
