# Who may open the dashboard. Cloud Run lets the named people through; the function itself verifies
# their token once more, and gives each the role of the list that the e-mail is on. They may look
# this one service up as well: ./nba dashboard --project finds its address by that.

locals {
  people = setunion(var.dashboard_readers, var.dashboard_operators)

  # What each of them may do with the service: open it, and look up where it is.
  people_grants = {
    for grant in setproduct(local.people, ["invoker", "viewer"]) :
    "${grant[0]}/${grant[1]}" => { email = grant[0], role = "roles/run.${grant[1]}" }
  }

  # What the dashboard reads besides (functions/dashboard/identity.py). Its own address cannot be
  # among the audiences: it is known once the function is there.
  roles = {
    DASHBOARD_READERS   = join(",", sort(var.dashboard_readers))
    DASHBOARD_OPERATORS = join(",", sort(var.dashboard_operators))
    DASHBOARD_AUDIENCES = join(",", sort(var.dashboard_audiences))
  }
}

resource "google_cloud_run_service_iam_member" "person" {
  for_each = local.people_grants

  location = var.region
  service  = google_cloudfunctions2_function.function["dashboard"].name
  role     = each.value.role
  member   = "user:${each.value.email}"

  # A function that is replaced is another service of the same name, and has lost its grants.
  lifecycle {
    replace_triggered_by = [google_cloudfunctions2_function.function["dashboard"].id]
  }
}
