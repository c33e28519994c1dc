# Topics, the functions' push subscriptions with their dead letters, and the pull subscriptions that
# operators read.

locals {
  # The account with which Pub/Sub itself forwards dead letters and signs pushes.
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"

  retention      = "604800s"  # 7 days: a function that is down for a week loses nothing
  dead_retention = "2678400s" # 31 days, the most there is: somebody has to look and decide
}

resource "google_pubsub_topic" "topic" {
  #checkov:skip=CKV_GCP_83:messages hold game dates and ids, encrypted with Google's keys
  for_each = local.topics

  name = "${var.name_prefix}${each.key}"

  depends_on = [google_project_service.service]
}

resource "google_pubsub_subscription" "push" {
  for_each = local.subscriptions

  name                       = "${var.name_prefix}${each.key}"
  topic                      = google_pubsub_topic.topic[each.value.topic].id
  ack_deadline_seconds       = local.functions[each.value.function].ack_deadline_seconds
  message_retention_duration = local.retention

  push_config {
    push_endpoint = google_cloudfunctions2_function.function[each.value.function].service_config[0].uri

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = google_cloudfunctions2_function.function[each.value.function].service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "${local.functions[each.value.function].min_backoff_seconds}s"
    maximum_backoff = "${local.functions[each.value.function].max_backoff_seconds}s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.topic["${each.key}-dead-letter"].id
    max_delivery_attempts = local.functions[each.value.function].max_delivery_attempts
  }

  # Never: a summer without messages would otherwise delete it after 31 days.
  expiration_policy {
    ttl = ""
  }

  # A push before the invoker may invoke would use up delivery attempts.
  depends_on = [
    google_cloud_run_service_iam_member.push,
    google_pubsub_topic_iam_member.dead_letter_forwarder,
    google_service_account_iam_member.push_tokens,
  ]
}

# --- dead letters ---------------------------------------------------------------------------------

resource "google_pubsub_subscription" "dead_letter" {
  for_each = local.dead_letters

  name                       = "${var.name_prefix}${each.key}"
  topic                      = google_pubsub_topic.topic[each.key].id
  ack_deadline_seconds       = 60
  message_retention_duration = local.dead_retention

  expiration_policy {
    ttl = ""
  }
}

# Without these two grants Pub/Sub forwards nothing, and says so nowhere but in a metric.
resource "google_pubsub_topic_iam_member" "dead_letter_forwarder" {
  for_each = local.dead_letters

  topic  = google_pubsub_topic.topic[each.key].name
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent

  lifecycle {
    replace_triggered_by = [google_pubsub_topic.topic[each.key].id]
  }
}

resource "google_pubsub_subscription_iam_member" "dead_letter_forwarder" {
  for_each = local.subscriptions

  subscription = google_pubsub_subscription.push[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent

  lifecycle {
    replace_triggered_by = [google_pubsub_subscription.push[each.key].id]
  }
}

# The sweep finishes redrives that were interrupted: it looks for the letter and acknowledges it.
resource "google_pubsub_subscription_iam_member" "dead_letter_puller" {
  for_each = local.dead_letter_pullers

  subscription = google_pubsub_subscription.dead_letter[each.value.subscription].name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.function[each.value.function].member
}

# --- operators ------------------------------------------------------------------------------------

resource "google_pubsub_subscription" "operators" {
  for_each = local.pipeline.pull_subscriptions

  name                       = "${var.name_prefix}${each.value}"
  topic                      = google_pubsub_topic.topic[each.key].id
  ack_deadline_seconds       = 60
  message_retention_duration = local.retention

  expiration_policy {
    ttl = ""
  }
}

# What functions raised becomes incidents: monitor reads it, and acknowledges what it has recorded.
resource "google_pubsub_subscription_iam_member" "alert_puller" {
  for_each = local.alert_pullers

  subscription = google_pubsub_subscription.operators[local.pipeline.alerts_topic].name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.function[each.key].member
}

# --- publishing -----------------------------------------------------------------------------------

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publishers

  topic  = google_pubsub_topic.topic[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = google_service_account.function[each.value.function].member
}
