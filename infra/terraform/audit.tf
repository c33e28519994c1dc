# Who read or wrote data: Google logs it for BigQuery by itself, for these services only where it is
# asked to. Changes of grants and of the things themselves are in the admin activity logs, which are
# always on.

locals {
  # The state of Terraform, raw files, exports and models; the keys of sources; the state (Firestore
  # logs under this name).
  audited = ["datastore", "secretmanager", "storage"]
}

# One configuration a service and project: of two environments in one project, one has it.
resource "google_project_iam_audit_config" "data_access" {
  for_each = var.audit_data_access ? toset(local.audited) : toset([])

  project = var.project_id
  service = "${each.key}.googleapis.com"

  audit_log_config {
    log_type = "DATA_READ"
  }

  audit_log_config {
    log_type = "DATA_WRITE"
  }

  depends_on = [google_project_service.service]
}
