# A plan after apply is empty: whatever changes with the time or by chance would show up in the
# second run.

mock_provider "google" {
  # What is read is read again at each plan, and must not be another number each time.
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project_id = "demo-project"
  archive    = "versions.tf"
}

run "once" {
  command = apply
}

run "once_more" {
  command = plan
}
