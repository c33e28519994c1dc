# What a new project gets that sets nothing but its name. tests/infra reads the state of this run,
# in which every address and account is a string of its own, and holds it to pipeline.yaml.

mock_provider "google" {
  # What is read is read again at each plan, and must not be another number each time.
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project_id = "demo-project"
  archive    = "versions.tf" # any file: it is hashed, not opened
}

run "defaults" {
  command = apply # nothing is made: the provider is a mock, which invents what Google would answer

  assert {
    condition = (
      length(google_billing_budget.budget) == 0
      && length(google_monitoring_notification_channel.email) == 0
      && length(google_monitoring_notification_channel.slack) == 0
      && length(google_storage_bucket_iam_member.public) == 0
      && length(google_cloud_run_service_iam_member.person) == 0
    )
    error_message = "What is optional is absent until it is set."
  }

  assert {
    condition     = alltrue([for function in google_cloudfunctions2_function.function : length(function.service_config[0].secret_environment_variables) == 0])
    error_message = "A secret without a version must not keep a function from starting."
  }

  assert {
    condition = alltrue([
      for key, subscription in google_pubsub_subscription.push :
      subscription.push_config[0].push_endpoint == google_cloudfunctions2_function.function[local.subscriptions[key].function].service_config[0].uri
      && subscription.push_config[0].oidc_token[0].audience == subscription.push_config[0].push_endpoint
      && subscription.push_config[0].oidc_token[0].service_account_email == google_service_account.push.email
    ])
    error_message = "Each subscription pushes to its own function, in the name of the one account that may."
  }

  assert {
    condition     = google_storage_bucket_object.archive.name == "functions-${filesha256("versions.tf")}.zip"
    error_message = "The archive is named by its content."
  }

  assert {
    condition     = length(output.secrets_without_value) == length(local.secrets)
    error_message = "Outputs say which secrets have no value."
  }
}
