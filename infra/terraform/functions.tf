# One gen2 function per entry of pipeline.yaml, all from one archive; its account is in iam.tf.

resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62:the archive is read by builds alone, which Cloud Build logs
  #checkov:skip=CKV_GCP_78:an object is named by its content, there is nothing to version
  name                        = "${var.project_id}-${var.name_prefix}nba-source"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # `make package` builds every archive again, byte by byte

  depends_on = [google_project_service.service]
}

# The name is the content: the same tree is the same object, and a rollback finds the one of its
# commit.
resource "google_storage_bucket_object" "archive" {
  name   = "functions-${filesha256(var.archive)}.zip"
  bucket = google_storage_bucket.source.name
  source = var.archive
}

# The functions' images. Without a repository of ours Google makes one for the whole region, with
# every image for ever.
resource "google_artifact_registry_repository" "functions" {
  #checkov:skip=CKV_GCP_84:images of our own code, encrypted with Google's keys
  repository_id = "${var.name_prefix}nba-functions"
  location      = var.region
  format        = "DOCKER"
  description   = "Images of the functions, ${var.environment}"

  cleanup_policy_dry_run = false

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 3
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "2592000s" # 30 days
    }
  }

  depends_on = [google_project_service.service]
}

resource "google_cloudfunctions2_function" "function" {
  #checkov:skip=CKV_GCP_124:internal, but for the dashboard, which named people open from outside
  for_each = local.functions

  name        = each.value.slug
  location    = var.region
  description = "${each.value.phase}: ${each.value.http ? "people, by HTTP" : join(", ", each.value.topics)}"

  build_config {
    runtime           = "python311"
    entry_point       = each.key
    docker_repository = google_artifact_registry_repository.functions.id
    service_account   = google_service_account.build.id

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.archive.name
      }
    }
  }

  service_config {
    available_memory                 = "${each.value.memory_mb}Mi"
    available_cpu                    = tostring(each.value.cpu)
    timeout_seconds                  = each.value.timeout_seconds
    max_instance_request_concurrency = each.value.concurrency
    min_instance_count               = each.value.min_instances
    max_instance_count               = each.value.max_instances
    # Pub/Sub's pushes from the same project count as internal. People come from outside: Google's
    # front end lets nobody through to the function but those whom people.tf names.
    ingress_settings               = each.value.http ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"
    all_traffic_on_latest_revision = true
    service_account_email          = google_service_account.function[each.key].email

    environment_variables = merge(var.settings, {
      RUNTIME              = "gcp"
      PROJECT_ID           = var.project_id
      GOOGLE_CLOUD_PROJECT = var.project_id # part of the trace in each log line
      RAW_BUCKET           = google_storage_bucket.bucket["raw"].name
      EXPORTS_BUCKET       = google_storage_bucket.bucket["exports"].name
      MODELS_BUCKET        = google_storage_bucket.bucket["models"].name
      DATASET_PREFIX       = var.dataset_prefix
      NAME_PREFIX          = var.name_prefix
      FIRESTORE_DATABASE   = google_firestore_database.state.name
      BIGQUERY_LOCATION    = var.region
      STATE_EPOCH          = tostring(var.state_epoch)
      # What a function waits for must end before it does.
      FUNCTION_TIMEOUT_SECONDS = tostring(each.value.timeout_seconds)
      LOG_EXECUTION_ID         = "false" # functions-framework would write each line a second time, without severity and trace
    }, each.value.http ? local.roles : {})

    dynamic "secret_environment_variables" {
      for_each = { for secret in each.value.secrets : secret => var.secret_versions[secret]
      if contains(keys(var.secret_versions), secret) }
      content {
        key        = upper(replace(secret_environment_variables.key, "-", "_"))
        project_id = var.project_id
        secret     = google_secret_manager_secret.secret[secret_environment_variables.key].secret_id
        version    = secret_environment_variables.value
      }
    }
  }

  # A build that begins before its account may build fails, and so does a revision that cannot read
  # its secret. A new revision serves at once: columns, views and grants that its code needs have to
  # be there before it is. A grant takes a minute or more to be known everywhere: the indexes, which
  # take minutes anyway, are what builds wait for.
  depends_on = [
    google_artifact_registry_repository_iam_member.build,
    google_bigquery_dataset_iam_member.function,
    google_bigquery_table.table,
    google_bigquery_table.view,
    google_firestore_field.expiring,
    google_firestore_field.unindexed,
    google_firestore_index.index,
    google_project_iam_member.bigquery_jobs,
    google_project_iam_member.build_logs,
    google_project_iam_member.build_source,
    google_project_iam_member.job_reader,
    google_project_iam_member.state,
    google_pubsub_subscription_iam_member.alert_puller,
    google_pubsub_topic_iam_member.publisher,
    google_secret_manager_secret_iam_member.function,
    google_storage_bucket_iam_member.function,
    google_storage_bucket_iam_member.prefix,
  ]
}
