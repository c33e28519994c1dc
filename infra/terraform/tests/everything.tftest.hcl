# A second environment in the same project, with everything that is optional.

mock_provider "google" {
  # What is read is read again at each plan, and must not be another number each time.
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project_id            = "demo-project"
  archive               = "versions.tf"
  environment           = "dev"
  name_prefix           = "dev-"
  dataset_prefix        = "dev_"
  firestore_database    = "nba-dev"
  deletion_protection   = false
  raw_retention_days    = 0
  exports_public        = true
  exports_origins       = ["https://picks.example.com"]
  alert_email           = "oncall@example.com"
  slack_channel         = "#nba-alerts"
  slack_auth_token      = "not-a-token"
  notification_channels = ["projects/demo-project/notificationChannels/1"]
  billing_account       = "012345-6789AB-CDEF01"
  budget_amount         = 40
  secret_versions       = { odds-api-key = "3" }
  state_epoch           = 2
  audit_data_access     = false
  dashboard_readers     = ["ada@example.com", "grace@example.com"]
  dashboard_operators   = ["grace@example.com", "linus@example.com"]
  dashboard_audiences   = ["https://dashboard.example.com", "32555940559.apps.googleusercontent.com"]
  ci_subjects           = ["repo:my-org/nba-props:ref:refs/heads/main", "repo:my-org/nba-props:environment:dev"]
  settings              = { MIN_COVERAGE = "0.7", RUNTIME = "mistaken" }
}

run "everything" {
  command = apply # nothing is made: the provider is a mock, which invents what Google would answer

  assert {
    condition     = alltrue([for policy in google_monitoring_alert_policy.alert : length(policy.notification_channels) == 3])
    error_message = "Every alert tells every channel: a monitor that alerts nowhere is none."
  }

  assert {
    condition = (
      google_billing_budget.budget[0].amount[0].specified_amount[0].units == "40"
      && google_billing_budget.budget[0].all_updates_rule[0].monitoring_notification_channels == tolist([google_monitoring_notification_channel.email[0].id])
    )
    error_message = "The budget is the one asked for, and it tells the mail channel: it is refused with any other."
  }

  assert {
    condition = (
      one(google_storage_bucket_iam_member.public).bucket == google_storage_bucket.bucket["exports"].name
      && google_storage_bucket.bucket["exports"].public_access_prevention == "inherited"
      && google_storage_bucket.bucket["raw"].public_access_prevention == "enforced"
      && google_storage_bucket.bucket["models"].public_access_prevention == "enforced"
    )
    error_message = "Of the buckets the exports alone become public, and only where that is asked for."
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function["phase1_scrape"].service_config[0].environment_variables["RUNTIME"] == "gcp"
      && google_cloudfunctions2_function.function["phase1_scrape"].service_config[0].environment_variables["MIN_COVERAGE"] == "0.7"
    )
    error_message = "Settings add to the environment, and do not undo what the deployment decides."
  }

  assert {
    condition     = length(google_storage_bucket.bucket["raw"].retention_policy) == 0 && !google_bigquery_table.table["nba_raw.shot_zones"].deletion_protection
    error_message = "An environment without protection can be destroyed."
  }
}
