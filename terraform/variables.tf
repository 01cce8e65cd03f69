variable "allow_public" {
  description = "Let anyone call the scoring service, without an identity. Callers are listed in `invokers` otherwise."
  type        = bool
  default     = false
}

variable "data_buckets" {
  description = "Buckets outside this module that training may read, where `models` names data in them."
  type        = set(string)
  default     = []
}

variable "deletion_protection" {
  description = "Refuse to destroy the scoring service and the training jobs."
  type        = bool
  default     = true
}

variable "environment" {
  description = "Short name of the environment, part of every resource name."
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,7}$", var.environment))
    error_message = "environment must be 2 to 8 lower-case letters or digits, beginning with a letter."
  }
}

variable "invokers" {
  description = "Who may call the scoring service, as IAM members: `user:`, `group:`, `serviceAccount:` or `domain:`."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.invokers : can(regex("^(user|group|serviceAccount|domain):.+", member))])
    error_message = "invokers must be named members; for public access set allow_public."
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

variable "models" {
  description = "Credit models to train: a cron schedule (UTC) and, unless the model brings its own source, a CSV or Parquet URI."
  type = map(object({
    schedule = string
    data     = optional(string)
  }))
  default = {
    application  = { schedule = "0 1 * * 0" }
    card_default = { schedule = "0 2 * * 0" }
  }

  validation {
    condition     = alltrue([for name in keys(var.models) : can(regex("^[a-z][a-z0-9_]*$", name))])
    error_message = "models must be named as in the catalogue: lower-case letters, digits and underscores."
  }

  validation {
    condition     = alltrue([for model in values(var.models) : length(split(" ", model.schedule)) == 5])
    error_message = "each schedule must have the five fields of cron."
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

variable "region" {
  description = "Region of the bucket, the service and the jobs."
  type        = string
  default     = "europe-west1"
}

variable "scoring_image" {
  description = "Container image of the scoring service, from the `scoring` target of infra/docker/Dockerfile."
  type        = string
}

variable "training_image" {
  description = "Container image of the training jobs, from the `training` target of infra/docker/Dockerfile."
  type        = string
}
