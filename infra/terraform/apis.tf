# The services a new project has to have switched on.

locals {
  services = toset(concat(
    [
      "artifactregistry",
      "bigquery",
      "cloudbuild",
      "cloudfunctions",
      "cloudresourcemanager",
      "cloudscheduler",
      "firestore",
      "iam",
      "iamcredentials",
      "logging",
      "monitoring",
      "pubsub",
      "run",
      "secretmanager",
      "storage",
    ],
    var.billing_account == null ? [] : ["billingbudgets"],
    length(var.ci_subjects) == 0 ? [] : ["sts"],
  ))
}

resource "google_project_service" "service" {
  for_each = local.services

  service = "${each.key}.googleapis.com"
  # Another environment, or somebody else, may use it as well.
  disable_on_destroy = false
}
