# Deploying from CI without a key: the CI's own tokens are exchanged for short-lived ones of an
# account that deploys. Off until ci_subjects names who may. The account's rights are given by hand,
# once (docs/deploy.md): what deploys should not decide what it may do.

locals {
  ci = length(var.ci_subjects) > 0 ? toset(["ci"]) : toset([])
}

resource "google_service_account" "deploy" {
  for_each = local.ci

  account_id   = "${var.name_prefix}nba-deploy"
  display_name = "Deployment from CI (${var.environment})"
  description  = "Plans and applies this Terraform for the CI runs that ci_subjects names"

  depends_on = [google_project_service.service]
}

resource "google_iam_workload_identity_pool" "ci" {
  for_each = local.ci

  workload_identity_pool_id = "${var.name_prefix}nba-ci"
  display_name              = "CI (${var.environment})"
  description               = "Runs of CI that may deploy the NBA pipeline"

  depends_on = [google_project_service.service]
}

resource "google_iam_workload_identity_pool_provider" "ci" {
  #checkov:skip=CKV_GCP_125:every subject is named by assertion.sub, in a form it does not read
  for_each = local.ci

  workload_identity_pool_id          = google_iam_workload_identity_pool.ci[each.key].workload_identity_pool_id
  workload_identity_pool_provider_id = "oidc"
  description                        = "Tokens of ${var.ci_issuer}"

  attribute_mapping = { "google.subject" = "assertion.sub" }
  # The issuer signs for everybody's repositories: whoever is not named gets no token at all.
  attribute_condition = "assertion.sub in ${jsonencode(sort(var.ci_subjects))}"

  oidc {
    issuer_uri = var.ci_issuer
  }
}

resource "google_service_account_iam_member" "ci" {
  for_each = var.ci_subjects

  service_account_id = google_service_account.deploy["ci"].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.ci["ci"].name}/subject/${each.value}"
}
