# Accounts are made by bootstrap/, so that what applies this folder need not be able to make any.
locals {
  accounts = merge(
    { build = "surety-build@${var.project_id}.iam.gserviceaccount.com" },
    {
      for workload in ["backup", "drift", "features", "ingest", "monitor", "probe", "retrain", "schedule", "scoring", "training", "watch"] :
      workload => "${var.environment}-${workload}@${var.project_id}.iam.gserviceaccount.com"
    },
  )
}
