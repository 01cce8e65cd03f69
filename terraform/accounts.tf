# Accounts are made by bootstrap/, so that what applies this folder need not be able to make any.
locals {
  accounts = merge(
    { build = "surety-build@${var.project_id}.iam.gserviceaccount.com" },
    {
      for workload in ["backup", "batch", "batch-api", "close", "dashboard", "deliver", "drift", "features", "inbox", "ingest", "lending", "migrate", "monitor", "probe", "retrain", "schedule", "scoring", "sweep", "training", "watch"] :
      workload => "${var.environment}-${workload}@${var.project_id}.iam.gserviceaccount.com"
    },
  )
}
