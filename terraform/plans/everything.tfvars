# Every flag on, and everything set that is optional.
audit_data_access           = true
backup_kms_key              = "projects/example-project/locations/europe-west4/keyRings/surety/cryptoKeys/backup"
backup_region               = "europe-west4"
billing_account             = "012345-6789AB-CDEF01"
bitbucket                   = { workspace = "lender", workspace_id = "00000000-0000-0000-0000-000000000001", repository_id = "00000000-0000-0000-0000-000000000002", deployment_id = "00000000-0000-0000-0000-000000000003" }
data_buckets                = ["example-data"]
domain                      = "credit.example.com"
edge_only                   = true
build_region                = "europe-west4"
retrain_ingress             = "internal"
enable_batch                = true
enable_bigquery             = true
enable_binary_authorization = true
enable_dashboard            = true
enable_drift_check          = true
enable_edge                 = true
enable_lending              = true
enable_pipeline             = true
enable_prometheus           = true
github                      = { repository_id = "123456", owner_id = "7890" }
kms_key                     = "projects/example-project/locations/europe-west1/keyRings/surety/cryptoKeys/data"
lock_retention              = true
min_instances               = 1
models                      = { application = { schedule = "0 1 * * 0", data = "gs://example-data/applications.parquet" }, card_default = { schedule = "0 2 * * 0" }, customer = { schedule = "0 1 * * 0", data = "warehouse:yesterday" }, instalment = { schedule = "0 3 * * 0" } }
notification_channels       = ["projects/example-project/notificationChannels/42"]
otlp_traces_endpoint        = "https://collector.example.com/v1/traces"
promotes_to                 = ["example-next"]
scan_images                 = true
secrets                     = { DECISION_LOG_KEY = "surety-decision-log-key:2" }
urgent_channels             = ["projects/example-project/notificationChannels/1"]
source_archive              = "plans/public.tfvars" # any file has a hash; the daily plan must fetch it
batch = {
  invokers = ["serviceAccount:front@example-project.iam.gserviceaccount.com"]
  readers  = ["group:risk@example.com"]
  senders  = ["serviceAccount:core@example-project.iam.gserviceaccount.com"]
}
pipeline = {
  sources = {
    core_banking = { url_secret = "surety-core-banking:1" }
    crm          = { url = "gs://example-drops/crm" }
    macro        = { url = "https://indicators.example.com", token_secret = "surety-macro-token:2" }
  }
  monthly_models   = ["customer"]
  quarterly_models = ["customer"]
  quality_file     = "own_models/quality.toml"
  runners          = ["serviceAccount:airflow@example-project.iam.gserviceaccount.com"]
  sources_file     = "own_models/sources.toml"
  yearly_models    = ["customer"]
  subnetwork       = "projects/example-project/regions/europe-west1/subnetworks/data"
}
dashboard = {
  metadata_url = "https://issuer.example.com/.well-known/openid-configuration"
  secrets      = { COOKIE_SECRET = "surety-dashboard-cookies:1", OIDC_CLIENT_SECRET = "surety-dashboard-client:2" }
  settings     = { DIGIT_GROUPING = "international" }
  url          = "https://desk.example.com"
}
lending = {
  database = { availability = "REGIONAL" }
  domain   = "book.example.com"
  invokers = ["serviceAccount:front@example-project.iam.gserviceaccount.com"]
  jwt      = { issuer = "https://issuer.example.com/", audience = "surety-lending", jwks = "https://issuer.example.com/jwks.json" }
  secrets  = { KYC_KEY = "surety-kyc-key:1", WEBHOOK_KEY = "surety-webhook-key:1" }
  settings = { SCORING_TIMEOUT_SECONDS = "4" }
}
