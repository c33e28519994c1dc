# Values that would only fail half-way through an apply, or never, are refused before the plan.

mock_provider "google" {}

variables {
  project_id = "demo-project"
  archive    = "versions.tf"
}

run "a_prefix_without_its_hyphen" {
  command = plan
  variables {
    name_prefix = "dev"
  }
  expect_failures = [var.name_prefix]
}

run "a_prefix_that_makes_account_ids_too_long" {
  command = plan
  variables {
    name_prefix = "development-"
  }
  expect_failures = [var.name_prefix]
}

run "a_dataset_prefix_with_a_hyphen" {
  command = plan
  variables {
    dataset_prefix = "dev-"
  }
  expect_failures = [var.dataset_prefix]
}

run "the_newest_version_of_a_secret_whatever_it_is" {
  command = plan
  variables {
    secret_versions = { odds-api-key = "latest" }
  }
  expect_failures = [var.secret_versions]
}

run "a_secret_that_no_function_has" {
  command = plan
  variables {
    secret_versions = { odds-key = "1" }
  }
  expect_failures = [var.secret_versions]
}

run "a_backup_kept_longer_than_firestore_does" {
  command = plan
  variables {
    backup_retention_days = 365
  }
  expect_failures = [var.backup_retention_days]
}

run "no_epoch" {
  command = plan
  variables {
    state_epoch = 0
  }
  expect_failures = [var.state_epoch]
}

run "whoever_names_a_branch_to_fit_a_pattern" {
  command = plan
  variables {
    ci_subjects = ["repo:my-org/*"]
  }
  expect_failures = [var.ci_subjects]
}

run "an_issuer_that_is_no_address" {
  command = plan
  variables {
    ci_issuer = "token.actions.githubusercontent.com/"
  }
  expect_failures = [var.ci_issuer]
}

run "a_dashboard_for_everybody" {
  command = plan
  variables {
    dashboard_readers = ["allUsers"]
  }
  expect_failures = [var.dashboard_readers]
}

run "a_dashboard_that_everybody_acts_on" {
  command = plan
  variables {
    dashboard_operators = ["allAuthenticatedUsers"]
  }
  expect_failures = [var.dashboard_operators]
}

run "two_people_in_one" {
  command = plan
  variables {
    dashboard_operators = ["ada@example.com,grace@example.com"]
  }
  expect_failures = [var.dashboard_operators]
}

run "an_account_that_is_no_person" {
  command = plan
  variables {
    dashboard_operators = ["grading@demo-project.iam.gserviceaccount.com"]
  }
  expect_failures = [var.dashboard_operators]
}

run "an_email_that_every_plan_would_change" {
  command = plan
  variables {
    dashboard_readers = ["Ada@example.com"]
  }
  expect_failures = [var.dashboard_readers]
}

run "a_dashboard_that_lets_nobody_in" {
  command = plan
  variables {
    dashboard_audiences = []
  }
  expect_failures = [var.dashboard_audiences]
}

run "two_audiences_in_one" {
  command = plan
  variables {
    dashboard_audiences = ["https://one.example.com,https://two.example.com"]
  }
  expect_failures = [var.dashboard_audiences]
}
