# With enable_lending: the network of the loan book, who may sign in to its database, and what of ../ the build makes
# for it. A person makes the network, so that the build can make none.
locals {
  lending = var.enable_lending ? toset(["lending"]) : toset([])
  # The accounts that open connections.
  signing_in = toset(var.enable_lending ? ["close", "deliver", "lending", "migrate", "sweep"] : [])

  # IDs of the secrets, without their versions, by the account that reads them: as ../lending.tf gives them.
  lending_secrets = !var.enable_lending ? {} : merge([
    for account, names in {
      deliver = [for name in keys(var.lending.secrets) : name if startswith(name, "WEBHOOK")]
      lending = keys(var.lending.secrets)
      sweep   = [for name in keys(var.lending.secrets) : name if name != "KYC_KEY"]
      } : {
      for name in names :
      "${account} ${split(":", var.lending.secrets[name])[0]}" => { account = account, secret = split(":", var.lending.secrets[name])[0] }
    }
  ]...)
}

resource "google_compute_network" "lending" {
  for_each = local.lending

  name                    = "${var.environment}-lending"
  auto_create_subnetworks = false

  depends_on = [google_project_service.required]
}

resource "google_compute_subnetwork" "lending" {
  #checkov:skip=CKV_GCP_26:only Cloud Run and the database's address are in it, and Cloud SQL logs each connection
  #checkov:skip=CKV_GCP_76:nothing here has an IPv6 address
  for_each = local.lending

  name                     = "${var.environment}-lending"
  region                   = var.region
  network                  = google_compute_network.lending[each.key].id
  ip_cidr_range            = var.lending.range
  private_ip_google_access = true
}

# A new network lets everything out and nothing in. Of what goes through this one only the database may be reached.
resource "google_compute_firewall" "lending_database" {
  for_each = local.lending

  name               = "${var.environment}-lending-database"
  network            = google_compute_network.lending[each.key].id
  direction          = "EGRESS"
  priority           = 1000
  destination_ranges = ["${cidrhost(var.lending.range, 5)}/32"]

  allow {
    protocol = "tcp"
    ports    = ["5432"]
  }
}

resource "google_compute_firewall" "lending_nothing_else" {
  for_each = local.lending

  name               = "${var.environment}-lending-nothing-else"
  network            = google_compute_network.lending[each.key].id
  direction          = "EGRESS"
  priority           = 2000
  destination_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }
}

# Signing in can only be granted over the project; the condition makes it this one instance.
resource "google_project_iam_member" "signs_in" {
  for_each = local.signing_in

  project = var.project_id
  role    = "roles/cloudsql.instanceUser"
  member  = "serviceAccount:${var.environment}-${each.key}@${var.project_id}.iam.gserviceaccount.com"

  condition {
    title      = "loan-book-only"
    expression = "resource.service == 'sqladmin.googleapis.com' && resource.name == 'projects/${var.project_id}/instances/${coalesce(var.lending.database.name, "${var.environment}-lending")}'"
  }

  depends_on = [google_service_account.workload]
}

resource "google_secret_manager_secret_iam_member" "lending_reads" {
  for_each = local.lending_secrets

  secret_id = each.value.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${var.environment}-${each.value.account}@${var.project_id}.iam.gserviceaccount.com"

  depends_on = [google_project_service.required, google_service_account.workload]
}

# As of scoring: moving traffic takes it.
resource "google_service_account_iam_member" "responder_acts_as_lending" {
  for_each = var.enable_lending ? var.responders : toset([])

  service_account_id = google_service_account.workload["lending"].name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value
}

# Making an instance, its users and the address that leads to it. Not among these: to delete an instance or a backup,
# to sign in, to export or to restore. A user with a password can be made with them: README.md says so.
resource "google_project_iam_custom_role" "database" {
  for_each = local.lending

  role_id     = "surety_database"
  title       = "Surety: make the loan book's database"
  description = "Create and change Cloud SQL instances and the addresses that lead to them, without signing in, export or deletion."
  permissions = [
    "cloudsql.databases.create", "cloudsql.databases.get", "cloudsql.databases.list", "cloudsql.databases.update",
    "cloudsql.instances.create", "cloudsql.instances.get", "cloudsql.instances.list", "cloudsql.instances.listServerCas", "cloudsql.instances.update",
    "cloudsql.users.create", "cloudsql.users.get", "cloudsql.users.list", "cloudsql.users.update",
    "compute.addresses.createInternal", "compute.addresses.deleteInternal", "compute.addresses.get", "compute.addresses.list", "compute.addresses.use",
    "compute.forwardingRules.create", "compute.forwardingRules.delete", "compute.forwardingRules.get", "compute.forwardingRules.list",
    "compute.forwardingRules.pscCreate", "compute.forwardingRules.pscDelete", "compute.forwardingRules.setLabels",
    "compute.networks.get", "compute.networks.use", "compute.regionOperations.get", "compute.regions.get",
    "compute.subnetworks.get", "compute.subnetworks.use",
    "servicedirectory.namespaces.create", "servicedirectory.services.create", "servicedirectory.services.delete",
  ]
}

resource "google_project_iam_member" "build_makes_database" {
  for_each = local.lending

  project = var.project_id
  role    = google_project_iam_custom_role.database[each.key].name
  member  = google_service_account.build.member
}
