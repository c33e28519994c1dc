# What a plan after an apply changes where one thing is another than before.

mock_provider "google" {
  # What is read is read again at each plan, and must not be another number each time.
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project_id = "demo-project"
  archive    = "versions.tf"

  dashboard_readers = ["ada@example.com"]
}

run "once" {
  command = apply
}

# What is replaced has lost its grants, whatever the state remembers: they are made again with it.
run "replaced" {
  command = plan
  plan_options {
    replace = [
      google_artifact_registry_repository.functions,
      google_bigquery_dataset.dataset["nba_raw"],
      google_cloudfunctions2_function.function["dashboard"],
      google_cloudfunctions2_function.function["grading"],
      google_pubsub_subscription.dead_letter["grading-nba-grading-trigger-dead-letter"],
      google_pubsub_subscription.push["grading-nba-grading-trigger"],
      google_pubsub_topic.topic["nba-grading-trigger"],
      google_storage_bucket.bucket["exports"],
    ]
  }
}

# The rollback drill as far as a mock reaches: another archive, and the schemas of today.
run "another_archive" {
  command = plan
  variables {
    archive = "variables.tf"
  }
}
