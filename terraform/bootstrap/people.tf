# What people need over the project, because it cannot be granted on one resource, or because their tools ask there
# first. What they may do with a bucket, a service or the decision log is granted beside it, in ../.
locals {
  # gcloud and bq count a person's calls against the project they work in.
  looking = ["roles/logging.viewer", "roles/monitoring.viewer", "roles/run.viewer", "roles/serviceusage.serviceUsageConsumer"]

  scheduling = "surety_scheduling"

  rights = {
    auditors       = { members = var.auditors, roles = ["roles/bigquery.jobUser", "roles/serviceusage.serviceUsageConsumer"] }
    bigquery_users = { members = var.enable_bigquery ? var.bigquery_users : toset([]), roles = ["roles/bigquery.jobUser", "roles/serviceusage.serviceUsageConsumer"] }
    operators      = { members = var.operators, roles = concat(local.looking, ["projects/${var.project_id}/roles/${local.scheduling}"]) }
    responders     = { members = var.responders, roles = concat(local.looking, var.enable_edge ? ["roles/compute.viewer"] : []) }
  }

  # Somebody in two sets has one grant of a role that both need.
  granted = merge([
    for set in values(local.rights) : {
      for pair in setproduct(set.members, set.roles) : join(" ", pair) => { member = pair[0], role = pair[1] }
    }
  ]...)
}

# `operators` pause a schedule while they look for the cause; they cannot change what it does.
resource "google_project_iam_custom_role" "scheduling" {
  role_id     = local.scheduling
  title       = "Surety: pause schedules"
  description = "Read, pause and resume Cloud Scheduler's jobs, without the right to change or run any."
  permissions = ["cloudscheduler.jobs.enable", "cloudscheduler.jobs.get", "cloudscheduler.jobs.list", "cloudscheduler.jobs.pause"]
}

resource "google_project_iam_member" "people" {
  for_each = local.granted

  project = var.project_id
  role    = each.value.role
  member  = each.value.member

  depends_on = [google_project_iam_custom_role.scheduling, google_project_service.required]
}

# Moving traffic replaces the service, which Cloud Run allows to those who may act as the service's account.
resource "google_service_account_iam_member" "responder_acts_as" {
  for_each = var.responders

  service_account_id = google_service_account.workload["scoring"].name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value
}

# The same for batches and the dashboard.
resource "google_service_account_iam_member" "responder_acts_beside" {
  for_each = {
    for pair in setproduct(concat(var.enable_batch ? ["batch", "batch-api"] : [], var.enable_dashboard ? ["dashboard"] : []), var.responders) :
    join(" ", pair) => { account = pair[0], member = pair[1] }
  }

  service_account_id = google_service_account.workload[each.value.account].name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value.member
}
