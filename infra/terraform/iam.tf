# Accounts, and the grants that belong to no single kind of thing. A function's other grants are
# beside what they are on.

# --- one account per function ---------------------------------------------------------------------

resource "google_service_account" "function" {
  for_each = local.functions

  account_id   = each.value.slug
  display_name = "${each.key} (${var.environment})"
  description  = "Runs the function ${each.key}; pipeline.yaml says what it may touch"

  depends_on = [google_project_service.service]
}

# Firestore knows no finer grant than the database: pipeline.yaml names the collections, a test
# holds the code to them.
resource "google_project_iam_member" "state" {
  for_each = local.functions

  project = var.project_id
  role    = "roles/datastore.user"
  member  = google_service_account.function[each.key].member

  condition {
    title       = "${var.environment} state only"
    description = "The database of this environment"
    expression  = "resource.name == \"projects/${var.project_id}/databases/${google_firestore_database.state.name}\""
  }
}

# --- who may call functions: Pub/Sub, in the name of one account; people are in people.tf ---------

resource "google_service_account" "push" {
  account_id   = "${var.name_prefix}pubsub-push"
  display_name = "Pub/Sub push (${var.environment})"
  description  = "In whose name Pub/Sub calls the functions"

  depends_on = [google_project_service.service]
}

# The agent comes into being with the first topic, hence the wait for one.
resource "google_service_account_iam_member" "push_tokens" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent

  depends_on = [google_pubsub_topic.topic]
}

resource "google_cloud_run_service_iam_member" "push" {
  for_each = local.pushed_functions

  location = var.region
  service  = google_cloudfunctions2_function.function[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.push.member

  # A function that is replaced is another service of the same name, and has lost its grants.
  lifecycle {
    replace_triggered_by = [google_cloudfunctions2_function.function[each.key].id]
  }
}

# --- who builds the images ------------------------------------------------------------------------

resource "google_service_account" "build" {
  account_id   = "${var.name_prefix}functions-build"
  display_name = "Function builds (${var.environment})"
  description  = "Builds the functions' images from the source archive"

  depends_on = [google_project_service.service]
}

resource "google_artifact_registry_repository_iam_member" "build" {
  location   = google_artifact_registry_repository.functions.location
  repository = google_artifact_registry_repository.functions.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member

  lifecycle {
    replace_triggered_by = [google_artifact_registry_repository.functions.id]
  }
}

resource "google_project_iam_member" "build_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}

# Cloud Functions copies the archive into a bucket of its own, whose name is known and whose owner
# is not us.
resource "google_project_iam_member" "build_source" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.build.member

  condition {
    title       = "${var.environment} source archives only"
    description = "The archive of ours, and the copy that Cloud Functions makes of it"
    expression = join(" || ", [for bucket in [
      google_storage_bucket.source.name,
      "gcf-v2-sources-${data.google_project.this.number}-${var.region}",
    ] : "resource.name == \"projects/_/buckets/${bucket}\" || resource.name.startsWith(\"projects/_/buckets/${bucket}/\")"])
  }
}
