# In alphabetical order.

output "archive" {
  description = "Object of the source archive that is deployed."
  value       = google_storage_bucket_object.archive.name
}

output "buckets" {
  description = "Bucket names by their use."
  value       = { for name, bucket in google_storage_bucket.bucket : name => bucket.name }
}

output "ci" {
  description = "What a CI run that ci_subjects names signs in with: the provider of its token, and the account."
  value = { for key in local.ci : key => {
    provider = google_iam_workload_identity_pool_provider.ci[key].name
    account  = google_service_account.deploy[key].email
  } }
}

output "dashboard" {
  description = "Address of the dashboard; without an identity token it answers 403."
  value       = google_cloudfunctions2_function.function["dashboard"].service_config[0].uri
}

output "function_uris" {
  description = "Where Pub/Sub pushes to, by function."
  value = { for name, function in google_cloudfunctions2_function.function : name => function.service_config[0].uri
  if contains(keys(local.pushed_functions), name) }
}

output "secrets_without_value" {
  description = "Secrets that no version is deployed of: add one, then name it in secret_versions."
  value       = sort(setsubtract(local.secrets, keys(var.secret_versions)))
}

output "trigger" {
  description = "Command that runs the whole chain for today by hand."
  value = join(" ", [
    "gcloud pubsub topics publish ${google_pubsub_topic.topic["nba-phase1-trigger"].name}",
    "--project=${var.project_id} --message='{\"game_date\": \"TODAY\", \"mode\": \"same_day\"}'",
  ])
}
