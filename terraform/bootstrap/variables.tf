variable "enable_bigquery" {
  description = "As in ../variables.tf: the build may then make a connection."
  type        = bool
  default     = false
}

variable "enable_edge" {
  description = "As in ../variables.tf: the build may then make a load balancer."
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
}

variable "github" {
  description = "GitHub repository whose main branch may submit builds without a key: its owner/name and its numeric id; none by default."
  type = object({
    repository    = string
    repository_id = string
  })
  default = null

  validation {
    condition     = var.github == null || can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.github.repository)) && can(regex("^[0-9]+$", var.github.repository_id))
    error_message = "github must have repository = \"owner/name\" and repository_id in digits."
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
  description = "Region of the state bucket and the images."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a single region, such as europe-west1."
  }
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
