# Who may open the dashboard. Cloud Run lets the named people through; the function itself verifies
# their token once more, and gives each the role of the list that the e-mail is on.

locals {
  people = setunion(var.dashboard_readers, var.dashboard_operators)

  # What the dashboard reads besides (functions/dashboard/identity.py). Its own address cannot be
  # among the audiences: it is known once the function is there.
  roles = {
    DASHBOARD_READERS   = join(",", sort(var.dashboard_readers))
    DASHBOARD_OPERATORS = join(",", sort(var.dashboard_operators))
    DASHBOARD_AUDIENCES = join(",", sort(var.dashboard_audiences))
  }
}

resource "google_cloud_run_service_iam_member" "person" {
  for_each = local.people

  location = var.region
  service  = google_cloudfunctions2_function.function["dashboard"].name
  role     = "roles/run.invoker"
  member   = "user:${each.key}"

  # A function that is replaced is another service of the same name, and has lost its grants.
  lifecycle {
    replace_triggered_by = [google_cloudfunctions2_function.function["dashboard"].id]
  }
}
