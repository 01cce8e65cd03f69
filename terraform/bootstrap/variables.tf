variable "audit_data_access" {
  description = "Write down who read or wrote objects and secrets, in Cloud Audit Logs."
  type        = bool
  default     = true
}

variable "auditors" {
  description = "As in ../variables.tf: they may then run queries."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.auditors : can(regex("^((user|group|serviceAccount):.+|principal(Set)?://.+)$", member))])
    error_message = "auditors must be named members: user:, group:, serviceAccount:, principal:// or principalSet://."
  }
}

variable "backup_kms_key" {
  description = "As in ../variables.tf: Google's accounts may then encrypt copies with it."
  type        = string
  default     = null
}

variable "backup_region" {
  description = "As in ../variables.tf: the accounts and rights of daily copies."
  type        = string
  default     = null
}

variable "bigquery_users" {
  description = "As in ../variables.tf: they may then run queries, with enable_bigquery."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.bigquery_users : can(regex("^((user|group|serviceAccount):.+|principal(Set)?://.+)$", member))])
    error_message = "bigquery_users must be named members: user:, group:, serviceAccount:, principal:// or principalSet://."
  }
}

variable "billing_account" {
  description = "As in ../variables.tf: the build may then set a budget."
  type        = string
  default     = null
}

variable "bitbucket" {
  description = "Bitbucket repository whose main branch may release without a key: name and UUID of its workspace, its own UUID, and the UUID of the deployment of this environment, as its settings for OpenID Connect show them, without braces. None by default."
  type = object({
    workspace     = string
    workspace_id  = string
    repository_id = string
    deployment_id = string
  })
  default = null

  validation {
    condition     = var.bitbucket == null || can(regex("^[a-z0-9_-]+$", var.bitbucket.workspace)) && can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.bitbucket.workspace_id)) && can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.bitbucket.repository_id)) && can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.bitbucket.deployment_id))
    error_message = "bitbucket must have the workspace's name, and workspace_id, repository_id and deployment_id as UUIDs without braces."
  }
}

variable "dashboard" {
  description = "As in ../variables.tf: the dashboard's account may then read its secrets."
  type        = object({ secrets = optional(map(string), {}) })
  default     = {}
}

variable "data_buckets" {
  description = "As in ../variables.tf: training may then read them."
  type        = set(string)
  default     = []
}

variable "enable_batch" {
  description = "As in ../variables.tf: the accounts of batches, and the rights of events."
  type        = bool
  default     = false
}

variable "enable_bigquery" {
  description = "As in ../variables.tf: the build may then make a connection."
  type        = bool
  default     = false
}

variable "enable_binary_authorization" {
  description = "As in ../variables.tf: the policy of what may be started, and the key that releases sign with."
  type        = bool
  default     = false
}

variable "enable_dashboard" {
  description = "As in ../variables.tf: the dashboard's account."
  type        = bool
  default     = false
}

variable "enable_drift_check" {
  description = "As in ../variables.tf: the account that plans once a day."
  type        = bool
  default     = false
}

variable "enable_edge" {
  description = "As in ../variables.tf: the build may then make a load balancer."
  type        = bool
  default     = false
}

variable "enable_lending" {
  description = "As in ../variables.tf: the loan book's accounts, its network, and the right to make its database."
  type        = bool
  default     = false
}

variable "enable_pipeline" {
  description = "As in ../variables.tf: the accounts of the data pipeline."
  type        = bool
  default     = false
}

variable "enable_prometheus" {
  description = "As in ../variables.tf: the scoring service may then write metrics."
  type        = bool
  default     = false
}

variable "environment" {
  description = "As in ../variables.tf: part of the accounts' names."
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

variable "github" {
  description = "GitHub repository whose main branch may release without a key, by the two numbers that `gh api repos/OWNER/NAME --jq '.id, .owner.id'` prints: of the repository, and of its owner. None by default."
  type = object({
    owner_id      = string
    repository_id = string
  })
  default = null

  validation {
    condition     = var.github == null || can(regex("^[0-9]+$", var.github.repository_id)) && can(regex("^[0-9]+$", var.github.owner_id))
    error_message = "github must have repository_id and owner_id in digits: gh api repos/OWNER/NAME --jq '.id, .owner.id' prints them."
  }
}

variable "kms_key" {
  description = "As in ../variables.tf: Google's accounts may then encrypt with it, the state and the images too."
  type        = string
  default     = null
}

variable "lending" {
  description = "As in ../variables.tf: the loan book's accounts may then read its secrets, and its network has this range."
  type = object({
    database = optional(object({ name = optional(string) }), {})
    range    = optional(string, "10.64.0.0/26")
    secrets  = optional(map(string), {})
  })
  default = {}
}

variable "operators" {
  description = "As in ../variables.tf: they may then read logs and services, and pause schedules."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.operators : can(regex("^((user|group):.+|principal(Set)?://iam\\.googleapis\\.com/locations/global/workforcePools/.+)$", member))])
    error_message = "operators must be people: user: or group: members, or principal:// and principalSet:// of a workforce pool."
  }
}

variable "pipeline" {
  description = "As in ../variables.tf: the pipeline's accounts may then read the secrets and the buckets of its sources."
  type = object({
    sources = optional(map(object({
      url          = optional(string)
      url_secret   = optional(string)
      token_secret = optional(string)
    })), {})
    warehouse_secret = optional(string)
    warehouse_url    = optional(string)
  })
  default = {}
}

variable "project_id" {
  description = "Google Cloud project that everything is created in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be a project's ID, not its name or number."
  }
}

variable "promotes_to" {
  description = "Projects whose releases may copy images from here: those of the environments that are promoted to from this one. Their bootstrap comes first."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for project in var.promotes_to : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", project))])
    error_message = "promotes_to must be projects' IDs, not their names or numbers."
  }
}

variable "region" {
  description = "Region of the state bucket and the images."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a single region, such as europe-west1."
  }
}

variable "responders" {
  description = "As in ../variables.tf: they may then read logs and services, and act as the scoring service's account."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.responders : can(regex("^((user|group):.+|principal(Set)?://iam\\.googleapis\\.com/locations/global/workforcePools/.+)$", member))])
    error_message = "responders must be people: user: or group: members, or principal:// and principalSet:// of a workforce pool."
  }
}

variable "scan_images" {
  description = "Let Google look for known weaknesses in every image that is pushed; it charges for each."
  type        = bool
  default     = true
}

variable "secrets" {
  description = "As in ../variables.tf: the scoring service may then read them. They must exist."
  type        = map(string)
  default     = {}
}

variable "source_archive" {
  description = "As in ../variables.tf: the build may then deploy a source function."
  type        = string
  default     = null
}
