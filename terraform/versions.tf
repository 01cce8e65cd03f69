terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.45, < 8"
    }
  }

  # Bucket and prefix are named at `terraform init`; the bucket is bootstrap's.
  backend "gcs" {}
}

provider "google" {
  project = var.project_id
  region  = var.region

  # Budgets belong to the billing account: without these two they are refused to a person's login.
  user_project_override = true
  billing_project       = var.project_id
}
