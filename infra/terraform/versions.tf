# Exact on purpose: provider releases change defaults, and the same commit has to plan the same
# everywhere.
terraform {
  required_version = ">= 1.9"

  # Partial configuration: `make plan` gives the bucket and the prefix at init, see docs/deploy.md.
  backend "gcs" {}

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "8.7.0"
    }
  }
}

provider "google" {
  project = var.project_id
  region  = var.region

  # Who applies as a person says with these whose quota it is; Billing Budgets refuses the request
  # (403) without.
  user_project_override = true
  billing_project       = var.project_id

  default_labels = merge(var.labels, {
    app         = "nba-props"
    environment = var.environment
  })
}

data "google_project" "this" {
  project_id = var.project_id
}
