variable "alert_cold_start_ms" {
  description = "Alert when the 95th percentile of an hour's instance starts takes longer, in milliseconds."
  type        = number
  default     = 5000

  validation {
    condition     = var.alert_cold_start_ms > 0
    error_message = "alert_cold_start_ms must be above 0."
  }
}

variable "alert_emails" {
  description = "Addresses that alerts and budget warnings are sent to."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "alert_emails must be e-mail addresses."
  }
}

variable "alert_latency_ms" {
  description = "Alert when the 95th percentile of request latencies stays above it for five minutes, in milliseconds."
  type        = number
  default     = 200

  validation {
    condition     = var.alert_latency_ms > 0
    error_message = "alert_latency_ms must be above 0."
  }
}

variable "alert_model_age_days" {
  description = "Alert when an instance loads a champion that was published longer ago, in days."
  type        = number
  default     = 60

  validation {
    condition     = var.alert_model_age_days >= 1 && var.alert_model_age_days <= 119
    error_message = "alert_model_age_days must be from 1 to 119, the range of the metric's buckets."
  }
}

variable "alert_server_error_share" {
  description = "Alert when this share of requests is answered by a 5xx for five minutes."
  type        = number
  default     = 0.01

  validation {
    condition     = var.alert_server_error_share > 0 && var.alert_server_error_share < 1
    error_message = "alert_server_error_share must lie between 0 and 1."
  }
}

variable "allow_public" {
  description = "Let anyone reach the scoring service without a Google identity, which every `auth` but iam needs. Callers are listed in `invokers` otherwise."
  type        = bool
  default     = false

  validation {
    condition     = var.allow_public == (var.auth != "iam")
    error_message = "allow_public must be true exactly when auth is api-key, jwt or none: with iam Cloud Run checks callers."
  }
}

variable "auditors" {
  description = "Who may read the decision log, as IAM members."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.auditors : can(regex("^((user|group|serviceAccount):.+|principal(Set)?://.+)$", member))])
    error_message = "auditors must be named members: user:, group:, serviceAccount:, principal:// or principalSet://."
  }
}

variable "auth" {
  description = "How the scoring service knows its callers: iam (Cloud Run's check), api-key, jwt, or none (everyone is answered)."
  type        = string
  default     = "iam"

  validation {
    condition     = contains(["iam", "api-key", "jwt", "none"], var.auth)
    error_message = "auth must be iam, api-key, jwt or none."
  }
}

variable "backup_kms_key" {
  description = "Key in backup_region that encrypts the copies; needed where kms_key and backup_region are both set."
  type        = string
  default     = null

  validation {
    condition     = var.backup_kms_key == null ? var.kms_key == null || var.backup_region == null : can(regex("^projects/[^/]+/locations/${coalesce(var.backup_region, "none")}/keyRings/[^/]+/cryptoKeys/[^/]+$", var.backup_kms_key))
    error_message = "backup_kms_key must be the full name of a key in backup_region, and is needed where kms_key is set."
  }
}

variable "backup_region" {
  description = "Second region, to which models, anchors and decisions are copied once a day; none by default."
  type        = string
  default     = null

  validation {
    condition     = var.backup_region == null ? true : can(regex("^[a-z]+-[a-z]+[0-9]+$", var.backup_region)) && var.backup_region != var.region
    error_message = "backup_region must be a single region, and not the one that is copied."
  }
}

variable "batch" {
  description = "With enable_batch. `senders` may drop files in the inbox, where they stay for `inbox_days`; `readers` may read results and records, which stay for `decision_log_days`. A file of 64 MiB or more is shared by `tasks`, each with `memory` and `timeout_seconds`; at most `max_instances` smaller ones are scored at a time. `invokers` may call the API, which answers by `ingress`; with enable_lending and lending.auth = \"jwt\" it wants a token of the issuer, too."
  type = object({
    inbox_days      = optional(number, 30)
    ingress         = optional(string, "all")
    invokers        = optional(set(string), [])
    max_instances   = optional(number, 10)
    memory          = optional(string, "1Gi")
    readers         = optional(set(string), [])
    senders         = optional(set(string), [])
    tasks           = optional(number, 8)
    timeout_seconds = optional(number, 3600)
  })
  default = {}

  validation {
    condition     = var.batch.tasks >= 1 && var.batch.tasks <= 1000 && floor(var.batch.tasks) == var.batch.tasks
    error_message = "batch.tasks must be a whole number from 1 to 1000."
  }

  validation {
    condition     = var.batch.inbox_days >= 1 && var.batch.max_instances >= 1
    error_message = "batch.inbox_days and batch.max_instances must be at least 1."
  }

  validation {
    condition     = alltrue([for member in setunion(var.batch.invokers, var.batch.readers, var.batch.senders) : can(regex("^((user|group|serviceAccount|domain):.+|principal(Set)?://.+)$", member))])
    error_message = "batch.invokers, batch.readers and batch.senders must be named members."
  }

  validation {
    condition     = contains(["all", "internal", "internal-and-cloud-load-balancing"], var.batch.ingress)
    error_message = "batch.ingress must be all, internal or internal-and-cloud-load-balancing."
  }
}

variable "batch_image" {
  description = "Image of the services and the job of batches when they are created; releases replace it. Without one a placeholder answers 503, and the job fails and says so."
  type        = string
  default     = null
}

variable "bigquery_users" {
  description = "Who may call the remote functions in SQL, as IAM members. Only with enable_bigquery."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.bigquery_users : can(regex("^((user|group|serviceAccount):.+|principal(Set)?://.+)$", member))])
    error_message = "bigquery_users must be named members: user:, group:, serviceAccount:, principal:// or principalSet://."
  }
}

variable "billing_account" {
  description = "Billing account of the project; with it a budget is set. The bootstrap grants the build roles/billing.costsManager on it, so whoever runs that must administer the billing account."
  type        = string
  default     = null

  validation {
    condition     = var.billing_account == null || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "billing_account must look like 012345-6789AB-CDEF01."
  }
}

variable "budget_amount" {
  description = "Monthly budget in whole units of the billing account's currency; warnings at 50, 90 and 100 %."
  type        = number
  default     = 100

  validation {
    condition     = var.budget_amount >= 1 && floor(var.budget_amount) == var.budget_amount
    error_message = "budget_amount must be a whole number of at least 1."
  }
}

variable "build_region" {
  description = "Region in which Cloud Build runs, where a policy refuses region: submit.sh and the daily plan read it."
  type        = string
  default     = null

  validation {
    condition     = var.build_region == null || can(regex("^[a-z]+-[a-z]+[0-9]+$", var.build_region))
    error_message = "build_region must be a region, such as europe-west1."
  }
}

variable "concurrency" {
  description = "Requests that one scoring instance answers at the same time."
  type        = number
  default     = 80

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000 && floor(var.concurrency) == var.concurrency
    error_message = "concurrency must be a whole number from 1 to 1000."
  }
}

variable "cors_origins" {
  description = "Origins whose pages may call the scoring service from a browser."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "cors_origins must be exact: https://host, without a path."
  }
}

variable "credit_models" {
  description = "Python modules in the images that add credit models to the catalogue."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for module in var.credit_models : can(regex("^[A-Za-z_][A-Za-z0-9_.]*$", module))])
    error_message = "credit_models must be names of Python modules."
  }
}

variable "dashboard" {
  description = "With enable_dashboard. `url`: where people open it; the issuer sends them back to it, at /oauth2callback. `metadata_url` and `client_id`: the issuer of lending.jwt, and the dashboard's name there. `scope` and `token`: what is asked of the issuer, and which of its tokens, access or id, the services receive. `secrets`: OIDC_CLIENT_SECRET and COOKIE_SECRET, from Secret Manager; `settings`: others, as docs/settings.md lists them. `sessions`: open pages of one instance."
  type = object({
    client_id     = optional(string, "surety-dashboard")
    ingress       = optional(string, "all")
    max_instances = optional(number, 4)
    memory        = optional(string, "1Gi")
    metadata_url  = optional(string)
    min_instances = optional(number, 0)
    scope         = optional(string, "openid profile email")
    secrets       = optional(map(string), {})
    sessions      = optional(number, 40)
    settings      = optional(map(string), {})
    token         = optional(string, "access")
    url           = optional(string)
  })
  default = {}

  validation {
    condition     = !var.enable_dashboard || can(regex("^https://[^/]+$", var.dashboard.url)) && can(regex("^https://.+/[.]well-known/openid-configuration$", var.dashboard.metadata_url))
    error_message = "dashboard must have url, https://host, and metadata_url, https://issuer/.well-known/openid-configuration, when enable_dashboard is true."
  }

  validation {
    condition     = !var.enable_dashboard || toset(keys(var.dashboard.secrets)) == toset(["COOKIE_SECRET", "OIDC_CLIENT_SECRET"])
    error_message = "dashboard.secrets must name OIDC_CLIENT_SECRET and COOKIE_SECRET, and nothing else, when enable_dashboard is true."
  }

  validation {
    condition     = alltrue([for secret in values(var.dashboard.secrets) : can(regex("^[A-Za-z0-9_-]{1,255}:([1-9][0-9]*|latest)$", secret))])
    error_message = "dashboard.secrets must map variable names to secrets of this project with their version: ID:3, or ID:latest."
  }

  validation {
    condition     = alltrue([for name in keys(var.dashboard.settings) : contains(["BUSINESS_TIME_ZONE", "DASHBOARD_LANGUAGE", "DIGIT_GROUPING", "SIGN_IN_NOTICE"], name)])
    error_message = "dashboard.settings may name BUSINESS_TIME_ZONE, DASHBOARD_LANGUAGE, DIGIT_GROUPING and SIGN_IN_NOTICE."
  }

  validation {
    condition     = contains(["access", "id"], var.dashboard.token) && contains(["all", "internal", "internal-and-cloud-load-balancing"], var.dashboard.ingress)
    error_message = "dashboard.token must be access or id, and dashboard.ingress all, internal or internal-and-cloud-load-balancing."
  }

  validation {
    condition     = alltrue([for number in [var.dashboard.max_instances, var.dashboard.sessions] : number >= 1 && floor(number) == number]) && var.dashboard.sessions <= 250 && var.dashboard.min_instances >= 0 && floor(var.dashboard.min_instances) == var.dashboard.min_instances && var.dashboard.min_instances <= var.dashboard.max_instances
    error_message = "dashboard.max_instances must be a whole number of at least 1, dashboard.sessions one from 1 to 250, and dashboard.min_instances one from 0 to max_instances."
  }

  validation {
    condition     = can(regex("^(51[2-9]|5[2-9][0-9]|[6-9][0-9]{2}|[0-9]{4,5})Mi$|^[1-9][0-9]?Gi$", var.dashboard.memory))
    error_message = "dashboard.memory must be at least 512Mi, in Mi or Gi."
  }
}

variable "dashboard_image" {
  description = "Image of the dashboard when it is created; releases replace it. Without one a placeholder answers 503."
  type        = string
  default     = null
}

variable "data_buckets" {
  description = "Buckets outside this module that training may read, where `models` names data in them. The bootstrap grants it: whoever runs it must be allowed to."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for model in values(var.models) : contains(var.data_buckets, split("/", model.data)[2]) if startswith(coalesce(model.data, "-"), "gs://")])
    error_message = "data_buckets must name every bucket that `models` reads data from."
  }
}

variable "decision_log_days" {
  description = "Days after which a decision record is deleted."
  type        = number
  default     = 1095

  validation {
    condition     = var.decision_log_days >= 1 && floor(var.decision_log_days) == var.decision_log_days
    error_message = "decision_log_days must be a whole number of at least 1."
  }
}

variable "default_model" {
  description = "Model that /predict and /train mean when none is named; one of `models`."
  type        = string
  default     = "application"

  validation {
    condition     = contains(keys(var.models), var.default_model)
    error_message = "default_model must be one of the keys of models."
  }
}

variable "deletion_protection" {
  description = "Refuse to destroy the services, the decision log, a bucket that holds anything, and anchors before their time."
  type        = bool
  default     = true
}

variable "domain" {
  description = "Domain of the load balancer; its address record must point at the output `edge_address`. Only with enable_edge."
  type        = string
  default     = null

  validation {
    condition     = !var.enable_edge || can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain must be a domain name when enable_edge is true."
  }
}

variable "edge_only" {
  description = "Close the service's own address, so that only the load balancer reaches it: once the domain answers. Releases then need a build within its network."
  type        = bool
  default     = false

  validation {
    condition     = !var.edge_only || var.enable_edge
    error_message = "edge_only needs enable_edge."
  }
}

variable "enable_batch" {
  description = "Score files that land in an inbox: two buckets, an event of each file, a service for small files and a job for large ones."
  type        = bool
  default     = false
}

variable "enable_bigquery" {
  description = "Let SQL call the scoring service: a BigQuery connection, and a remote function for each of `models`."
  type        = bool
  default     = false
}

variable "enable_binary_authorization" {
  description = "Let Cloud Run start only what the project's Binary Authorization policy, of the bootstrap, admits."
  type        = bool
  default     = false
}

variable "enable_dashboard" {
  description = "Run the dashboard, which calls the loan book and, with auth = \"jwt\", the scoring service, with the tokens of whoever is signed in."
  type        = bool
  default     = false

  validation {
    condition     = !var.enable_dashboard || var.enable_lending && var.lending.auth == "jwt" && var.lending.ingress == "all"
    error_message = "enable_dashboard needs enable_lending, lending.auth = jwt and lending.ingress = all: the loan book checks the token of whoever is signed in."
  }
}

variable "enable_drift_check" {
  description = "Compare once a day what exists with what was applied last, and alert on a difference."
  type        = bool
  default     = false
}

variable "enable_edge" {
  description = "Put a load balancer with a domain and Cloud Armor rate limits in front: of scoring, and of the loan book with lending.domain."
  type        = bool
  default     = false
}

variable "enable_lending" {
  description = "Run the loan book: a PostgreSQL database without a public address, the service over it, and its daily jobs. The database costs when idle."
  type        = bool
  default     = false
}

variable "enable_pipeline" {
  description = "Ingest the sources of `pipeline` every night into a lake and a warehouse, compute features, and monitor every model every morning."
  type        = bool
  default     = false
}

variable "enable_prometheus" {
  description = "Run Google's managed-Prometheus sidecar beside the scoring container. Instances are then billed while they exist, not only while they answer."
  type        = bool
  default     = false
}

variable "environment" {
  description = "Short name of the environment, part of every resource name."
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,7}$", var.environment))
    error_message = "environment must be 2 to 8 lower-case letters or digits, beginning with a letter."
  }

  # The build may administer buckets that begin with project and environment: the state bucket must not.
  validation {
    condition     = var.environment != "surety"
    error_message = "environment must not be surety, which begins the names of the bootstrap's buckets."
  }
}

variable "invokers" {
  description = "Who may call the scoring service, as IAM members: `user:`, `group:`, `serviceAccount:`, `domain:`, `principal://` or `principalSet://`."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.invokers : can(regex("^((user|group|serviceAccount|domain):.+|principal(Set)?://.+)$", member))])
    error_message = "invokers must be named members; for public access set allow_public."
  }
}

variable "jwt" {
  description = "With auth = jwt: issuer, audience and JWKS address of the tokens; algorithms and the claim that holds roles."
  type = object({
    issuer      = string
    audience    = string
    jwks        = string
    algorithms  = optional(list(string), ["RS256", "ES256", "EdDSA", "Ed25519"])
    roles_claim = optional(string, "roles")
  })
  default = null

  validation {
    condition     = var.auth != "jwt" || try(startswith(var.jwt.jwks, "https://") && length(setsubtract(var.jwt.algorithms, ["RS256", "ES256", "EdDSA", "Ed25519"])) == 0, false)
    error_message = "jwt must be set when auth is jwt, with an https address of the keys and asymmetric algorithms."
  }
}

variable "kms_key" {
  description = "Key of your own in Cloud KMS, in `region`, that encrypts buckets and decision log; Google's own keys by default. The bootstrap lets Google's accounts use it."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/${var.region}/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key must be the full name of a key in region: projects/<id>/locations/<region>/keyRings/<ring>/cryptoKeys/<key>."
  }
}

variable "lending" {
  description = "With enable_lending. `auth`: jwt, with the issuer of the people's tokens in `jwt`, or iam, where whoever may call may do everything. `invokers` may call the service, from the networks of `ingress`. With enable_edge, the load balancer leads `domain` to it, whose address record must point at the output `edge_address`. `secrets`: variables that come from Secret Manager, KYC_KEY among them; `settings`: others, as docs/settings.md lists them. `model` decides applications. Instances times `connections`, and ten for jobs, must fit into `max_connections` of the database. `range` is that of the network it makes. `availability` = REGIONAL keeps a second machine in another zone, at twice the price; `name` is that of another instance, after a restore."
  type = object({
    auth        = optional(string, "jwt")
    connections = optional(number, 5)
    database = optional(object({
      availability    = optional(string, "ZONAL")
      backups         = optional(number, 30)
      disk_gb         = optional(number, 10)
      max_connections = optional(number, 100)
      name            = optional(string)
      tier            = optional(string, "db-custom-1-3840")
      version         = optional(string, "POSTGRES_18")
    }), {})
    decide_schedule  = optional(string, "*/15 * * * *")
    deliver_schedule = optional(string, "*/5 * * * *")
    domain           = optional(string)
    ingress          = optional(string, "all")
    invokers         = optional(set(string), [])
    jwt = optional(object({
      issuer      = string
      audience    = string
      jwks        = string
      algorithms  = optional(list(string), ["RS256", "ES256", "EdDSA", "Ed25519"])
      roles_claim = optional(string, "roles")
    }))
    max_instances   = optional(number, 10)
    memory          = optional(string, "512Mi")
    min_instances   = optional(number, 0)
    model           = optional(string, "instalment")
    range           = optional(string, "10.64.0.0/26")
    secrets         = optional(map(string), {})
    settings        = optional(map(string), {})
    timeout_seconds = optional(number, 3600)
  })
  default = {}

  validation {
    condition     = !var.enable_lending || contains(keys(var.lending.secrets), "KYC_KEY")
    error_message = "lending.secrets must name KYC_KEY when enable_lending is true."
  }

  validation {
    condition     = !var.enable_lending || contains(keys(var.models), var.lending.model)
    error_message = "lending.model must be one of the keys of models when enable_lending is true: what is not trained decides nothing."
  }

  validation {
    condition     = !var.enable_lending || var.auth == "iam" || contains(keys(var.lending.secrets), "SCORING_KEY")
    error_message = "lending.secrets must name SCORING_KEY when auth is not iam: scoring then asks for a key or a token."
  }

  validation {
    condition     = contains(["iam", "jwt"], var.lending.auth)
    error_message = "lending.auth must be iam or jwt."
  }

  validation {
    condition     = !var.enable_lending || var.lending.auth == "iam" || try(startswith(var.lending.jwt.jwks, "https://") && length(setsubtract(var.lending.jwt.algorithms, ["RS256", "ES256", "EdDSA", "Ed25519"])) == 0, false)
    error_message = "lending.jwt must be set when lending.auth is jwt, with an https address of the keys and asymmetric algorithms."
  }

  validation {
    condition     = alltrue([for member in var.lending.invokers : can(regex("^((user|group|serviceAccount|domain):.+|principal(Set)?://.+)$", member))])
    error_message = "lending.invokers must be named members."
  }

  validation {
    condition     = contains(["all", "internal", "internal-and-cloud-load-balancing"], var.lending.ingress)
    error_message = "lending.ingress must be all, internal or internal-and-cloud-load-balancing."
  }

  validation {
    condition     = var.lending.domain == null || var.enable_lending && var.enable_edge && var.lending.domain != var.domain && can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.lending.domain))
    error_message = "lending.domain must be a domain name other than domain, and needs enable_lending and enable_edge."
  }

  validation {
    condition     = alltrue([for name, secret in var.lending.secrets : can(regex("^[A-Z][A-Z0-9_]*$", name)) && can(regex("^[A-Za-z0-9_-]{1,255}:([1-9][0-9]*|latest)$", secret))])
    error_message = "lending.secrets must map variable names to secrets of this project with their version: ID:3, or ID:latest."
  }

  validation {
    condition     = length(setintersection(concat(keys(var.lending.secrets), keys(var.lending.settings)), ["AUTH", "DATABASE_CONNECTIONS", "DATABASE_URL", "FORWARDED_HOPS", "HOST", "JWT_ALGORITHMS", "JWT_AUDIENCE", "JWT_ISSUER", "JWT_JWKS", "JWT_ROLES_CLAIM", "PORT", "SCORING_MODEL", "SCORING_URL"])) == 0 && length(setintersection(keys(var.lending.secrets), keys(var.lending.settings))) == 0
    error_message = "lending.secrets and lending.settings must not name what is a setting already, nor the same variable."
  }

  validation {
    condition     = alltrue([for name in keys(var.lending.settings) : can(regex("^[A-Z][A-Z0-9_]*$", name)) && !can(regex("KEY|SECRET|TOKEN|PASSWORD|PEPPER", name))])
    error_message = "lending.settings must map variable names to values that are no secret: those go into lending.secrets."
  }

  validation {
    condition     = alltrue([for number in [var.lending.connections, var.lending.max_instances, var.lending.timeout_seconds, var.lending.database.disk_gb] : number >= 1 && floor(number) == number]) && var.lending.database.disk_gb >= 10
    error_message = "connections, max_instances and timeout_seconds of lending must be whole numbers of at least 1, and database.disk_gb of at least 10."
  }

  validation {
    condition     = var.lending.min_instances >= 0 && floor(var.lending.min_instances) == var.lending.min_instances && var.lending.min_instances <= var.lending.max_instances
    error_message = "lending.min_instances must be a whole number from 0 to lending.max_instances."
  }

  validation {
    condition     = var.lending.max_instances * var.lending.connections + 10 <= var.lending.database.max_connections
    error_message = "lending.max_instances times lending.connections, and ten more, must not exceed lending.database.max_connections."
  }

  validation {
    condition     = can(regex("^POSTGRES_1[5-8]$", var.lending.database.version)) && can(regex("^db-[a-z0-9-]+$", var.lending.database.tier)) && contains(["REGIONAL", "ZONAL"], var.lending.database.availability) && var.lending.database.backups >= 7 && var.lending.database.backups <= 365 && can(regex("^[a-z][a-z0-9-]{1,80}$", coalesce(var.lending.database.name, "none")))
    error_message = "lending.database must have a version from POSTGRES_15 to POSTGRES_18, a tier such as db-custom-1-3840, an availability ZONAL or REGIONAL, and 7 to 365 backups."
  }

  validation {
    condition     = alltrue([for schedule in [var.lending.decide_schedule, var.lending.deliver_schedule] : can(regex("^[0-9*/,A-Za-z-]+( [0-9*/,A-Za-z-]+){4}$", schedule)) && can(regex("[0-9*]", schedule))])
    error_message = "lending.decide_schedule and lending.deliver_schedule must have the five fields of cron."
  }

  # Cloud Run takes addresses for its instances from it, several for each.
  validation {
    condition     = can(cidrhost(var.lending.range, 5)) && can(regex("^(10|172|192)[.].*/(1[0-9]|2[0-6])$", var.lending.range))
    error_message = "lending.range must be a private range of at least /26, such as 10.64.0.0/26."
  }

  validation {
    condition     = can(regex("^(51[2-9]|5[2-9][0-9]|[6-9][0-9]{2}|[0-9]{4,5})Mi$|^[1-9][0-9]?Gi$", var.lending.memory))
    error_message = "lending.memory must be at least 512Mi, in Mi or Gi."
  }
}

variable "lending_image" {
  description = "Image of the loan book's service and jobs when they are created; releases replace it. Without one a placeholder answers 503, and a job fails and says so."
  type        = string
  default     = null
}

variable "lock_retention" {
  description = "Lock the retention of anchors: nobody, Google included, can shorten it again or delete an anchor before its time. This cannot be undone."
  type        = bool
  default     = false

  validation {
    condition     = !var.lock_retention || var.deletion_protection
    error_message = "lock_retention needs deletion_protection: an environment with locked anchors cannot be destroyed."
  }
}

variable "max_instances" {
  description = "Scoring instances at most; bounds the bill."
  type        = number
  default     = 10

  validation {
    condition     = var.max_instances >= 1 && floor(var.max_instances) == var.max_instances
    error_message = "max_instances must be a whole number of at least 1."
  }
}

variable "min_instances" {
  description = "Scoring instances of the service, not of each revision, kept when nobody calls; 0 scales to zero and costs nothing idle."
  type        = number
  default     = 0

  validation {
    condition     = var.min_instances >= 0 && floor(var.min_instances) == var.min_instances && var.min_instances <= var.max_instances
    error_message = "min_instances must be a whole number from 0 to max_instances."
  }
}

variable "model_refresh_seconds" {
  description = "Age in seconds from which a request refreshes the champion pointer."
  type        = number
  default     = 60

  validation {
    condition     = var.model_refresh_seconds >= 0
    error_message = "model_refresh_seconds must not be negative."
  }
}

variable "models" {
  description = "Credit models to train: a cron schedule (UTC) and, unless the model brings its own source, a CSV or Parquet URI, or warehouse:yesterday with enable_pipeline; memory and time limit of its job."
  type = map(object({
    schedule        = string
    data            = optional(string)
    memory          = optional(string, "4Gi")
    timeout_seconds = optional(number, 3600)
  }))
  default = {
    application  = { schedule = "0 1 * * 0" }
    card_default = { schedule = "0 2 * * 0" }
  }

  validation {
    condition     = alltrue([for name in keys(var.models) : can(regex("^[a-z](_?[a-z0-9])*$", name)) && length(name) <= 40])
    error_message = "models must be named as in the catalogue: lower-case letters, digits and single underscores between them."
  }

  validation {
    condition     = alltrue([for model in values(var.models) : can(regex("^[0-9*/,A-Za-z-]+( [0-9*/,A-Za-z-]+){4}$", model.schedule)) && can(regex("[0-9*]", model.schedule))])
    error_message = "each schedule must have the five fields of cron."
  }

  validation {
    condition     = var.enable_pipeline || !anytrue([for model in values(var.models) : startswith(coalesce(model.data, "-"), "warehouse:")])
    error_message = "data = warehouse:... needs enable_pipeline."
  }
}

variable "notification_channels" {
  description = "Existing Monitoring channels for alerts. Slack and PagerDuty need a secret, so theirs are made in the console, which keeps it out of Terraform's state."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))])
    error_message = "notification_channels must be full names: projects/<id>/notificationChannels/<number>."
  }
}

variable "operators" {
  description = "Named people who may promote, roll back, prune, start training and pause schedules, as IAM members."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.operators : can(regex("^((user|group):.+|principal(Set)?://iam\\.googleapis\\.com/locations/global/workforcePools/.+)$", member))])
    error_message = "operators must be people: user: or group: members, or principal:// and principalSet:// of a workforce pool."
  }
}

variable "otlp_traces_endpoint" {
  description = "Address of an OpenTelemetry collector that the services reach, such as https://collector.example/v1/traces: a span of each request is sent there. None by default."
  type        = string
  default     = null

  validation {
    condition     = var.otlp_traces_endpoint == null || can(regex("^https?://[^/[:space:]]+(/[^[:space:]]*)?$", var.otlp_traces_endpoint))
    error_message = "otlp_traces_endpoint must be an address that begins with http:// or https://."
  }
}

variable "pipeline" {
  description = "With enable_pipeline. `sources`: the address of each source, as url or, where it holds a password, as a secret and its version, and a secret with its token. `warehouse_url` and `warehouse_secret`: another warehouse than BigQuery. `sources_file`, `quality_file`: your own files in the image. `monthly_models` are trained on the last `monthly_months` every month, for `quarterly_models` all families are searched every quarter, `yearly_models` are reviewed every January. `runners` may start a job for any day, such as the account of Airflow; `schedules` = false then leaves the times to it. `subnetwork`: from where private sources are reached."
  type = object({
    sources = optional(map(object({
      url          = optional(string)
      url_secret   = optional(string)
      token_secret = optional(string)
    })), {})
    lake_days        = optional(number, 1095)
    memory           = optional(string, "4Gi")
    monthly_models   = optional(set(string), [])
    monthly_months   = optional(number, 3)
    quality_file     = optional(string)
    quarterly_models = optional(set(string), [])
    runners          = optional(set(string), [])
    schedules        = optional(bool, true)
    sources_file     = optional(string)
    subnetwork       = optional(string)
    timeout_seconds  = optional(number, 3600)
    warehouse_secret = optional(string)
    warehouse_url    = optional(string)
    yearly_models    = optional(set(string), [])
  })
  default = {}

  validation {
    condition     = !var.enable_pipeline || length(var.pipeline.sources) > 0
    error_message = "pipeline.sources must name at least one source when enable_pipeline is true."
  }

  validation {
    condition     = alltrue([for name in keys(var.pipeline.sources) : can(regex("^[a-z](_?[a-z0-9])*$", name)) && length(name) <= 30])
    error_message = "pipeline.sources must be named as in the file of sources: lower-case letters, digits and single underscores between them."
  }

  validation {
    condition     = alltrue([for source in values(var.pipeline.sources) : (source.url == null) != (source.url_secret == null)])
    error_message = "each of pipeline.sources must have either url or url_secret."
  }

  # But for SFTP, whose users have keys, an address with a user is one with a password, and belongs into Secret Manager.
  validation {
    condition     = alltrue([for source in values(var.pipeline.sources) : source.url == null ? true : can(regex("^((gs|s3|https)://[^@\\s]+|sftp://[^@:/\\s]+@[^@\\s]+)$", source.url))])
    error_message = "a url of pipeline.sources must begin with gs://, s3://, https:// or sftp://user@ and hold no password: use url_secret."
  }

  validation {
    condition     = alltrue([for secret in concat([var.pipeline.warehouse_secret], flatten([for source in values(var.pipeline.sources) : [source.url_secret, source.token_secret]])) : secret == null ? true : can(regex("^[A-Za-z0-9_-]{1,255}:([1-9][0-9]*|latest)$", secret))])
    error_message = "secrets of pipeline must be names of secrets of this project with their version: ID:3, or ID:latest."
  }

  validation {
    condition     = var.pipeline.warehouse_url == null ? var.pipeline.warehouse_secret == null : can(regex("^(snowflake|bigquery)://[^@\\s]+$", var.pipeline.warehouse_url))
    error_message = "pipeline.warehouse_url must begin with snowflake:// or bigquery:// and hold no credentials; warehouse_secret, a key or an OAuth token, goes with it alone."
  }

  validation {
    condition     = length(setsubtract(setunion(var.pipeline.monthly_models, var.pipeline.quarterly_models), keys(var.models))) == 0
    error_message = "pipeline.monthly_models and pipeline.quarterly_models must be keys of models."
  }

  validation {
    condition     = alltrue([for name in var.pipeline.yearly_models : try(var.models[name].data, null) != null])
    error_message = "pipeline.yearly_models must be keys of models that have data, such as warehouse:yesterday."
  }

  validation {
    condition     = alltrue([for number in [var.pipeline.lake_days, var.pipeline.monthly_months, var.pipeline.timeout_seconds] : number >= 1 && floor(number) == number])
    error_message = "lake_days, monthly_months and timeout_seconds of pipeline must be whole numbers of at least 1."
  }

  validation {
    condition     = alltrue([for member in var.pipeline.runners : can(regex("^((user|group|serviceAccount):.+|principal(Set)?://.+)$", member))])
    error_message = "pipeline.runners must be named members: user:, group:, serviceAccount:, principal:// or principalSet://."
  }
}

variable "project_id" {
  description = "Google Cloud project that everything is created in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be a project's ID, not its name or number."
  }
}

variable "prometheus_image" {
  description = "Image of the managed-Prometheus sidecar."
  type        = string
  default     = "us-docker.pkg.dev/cloud-ops-agents-artifacts/cloud-run-gmp-sidecar/cloud-run-gmp-sidecar:1.2.0"
}

variable "rate_limit" {
  description = "How often one scoring instance answers one caller, such as 600/minute, or off. Empty: 600/minute with keys and tokens, off otherwise."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(|off|[1-9][0-9]*/(second|minute|hour))$", var.rate_limit))
    error_message = "rate_limit must be off, or a count and second, minute or hour."
  }
}

variable "region" {
  description = "Region of the bucket, the services, the jobs and the decision log."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a single region, such as europe-west1."
  }
}

variable "requests_per_minute" {
  description = "Requests a minute from one address before the edge answers 429. Only with enable_edge."
  type        = number
  default     = 600

  validation {
    condition     = var.requests_per_minute >= 1 && floor(var.requests_per_minute) == var.requests_per_minute
    error_message = "requests_per_minute must be a whole number of at least 1."
  }
}

variable "responders" {
  description = "Named people on call: they move traffic of the scoring service and read its state and logs, as IAM members."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.responders : can(regex("^((user|group):.+|principal(Set)?://iam\\.googleapis\\.com/locations/global/workforcePools/.+)$", member))])
    error_message = "responders must be people: user: or group: members, or principal:// and principalSet:// of a workforce pool."
  }
}

variable "retrain_ingress" {
  description = "Networks that the retrain service accepts: all, internal, or internal-and-cloud-load-balancing. Who may call it is a matter of IAM in each case; Cloud Scheduler counts as internal."
  type        = string
  default     = "all"

  validation {
    condition     = contains(["all", "internal", "internal-and-cloud-load-balancing"], var.retrain_ingress)
    error_message = "retrain_ingress must be all, internal or internal-and-cloud-load-balancing."
  }
}

variable "scoring_image" {
  description = "Image of the scoring and retrain services when they are created; releases replace it. Without one a placeholder answers 503."
  type        = string
  default     = null
}

variable "scoring_memory" {
  description = "Memory of a scoring instance."
  type        = string
  default     = "512Mi"

  validation {
    condition     = can(regex("^(51[2-9]|5[2-9][0-9]|[6-9][0-9]{2}|[0-9]{4,5})Mi$|^[1-9][0-9]?Gi$", var.scoring_memory))
    error_message = "scoring_memory must be at least 512Mi, which this generation of Cloud Run needs, in Mi or Gi."
  }
}

variable "secrets" {
  description = "Environment variables of the scoring service that come from Secret Manager: variable name to secret ID and version, such as `surety-api-keys:3`. A version keeps what a rolled-back revision reads; `latest` does not. Values never pass through Terraform."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, secret in var.secrets : can(regex("^[A-Z][A-Z0-9_]*$", name)) && can(regex("^[A-Za-z0-9_-]{1,255}:([1-9][0-9]*|latest)$", secret))])
    error_message = "secrets must map variable names to secrets of this project with their version: ID:3, or ID:latest."
  }

  validation {
    condition     = length(setintersection(keys(var.secrets), ["AUTH", "CORS_ORIGINS", "CREDIT_MODELS", "DECISION_ANCHOR_STORE", "DECISION_LOG", "DEFAULT_MODEL", "FEATURE_MAX_AGE_DAYS", "FEATURE_STORE_URI", "FORWARDED_HOPS", "HOST", "JWT_ALGORITHMS", "JWT_AUDIENCE", "JWT_ISSUER", "JWT_JWKS", "JWT_ROLES_CLAIM", "MODEL_REFRESH_SECONDS", "MODEL_STORE", "PORT", "RATE_LIMIT"])) == 0
    error_message = "secrets must not name what is a setting already."
  }

  validation {
    condition     = var.auth != "api-key" || length(setsubtract(["API_KEYS", "API_KEY_PEPPER"], keys(var.secrets))) == 0
    error_message = "secrets must name API_KEYS and API_KEY_PEPPER when auth is api-key."
  }
}

variable "source_archive" {
  description = "Path of the archive that `make source-archive` writes; with it the function is also deployed from source."
  type        = string
  default     = null
}

variable "training_image" {
  description = "Image of the training jobs when they are created; releases replace it. Without one a run fails and says so."
  type        = string
  default     = null
}

variable "training_overdue_days" {
  description = "Alert when no training run of a model has succeeded for so many days."
  type        = number
  default     = 8

  validation {
    condition     = var.training_overdue_days >= 1
    error_message = "training_overdue_days must be at least 1."
  }
}

variable "urgent_channels" {
  description = "Existing Monitoring channels that wake the person on call, as notification_channels are named. CRITICAL alerts go there and to all others, WARNING alerts only to the others."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for channel in var.urgent_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))])
    error_message = "urgent_channels must be full names: projects/<id>/notificationChannels/<number>."
  }
}
