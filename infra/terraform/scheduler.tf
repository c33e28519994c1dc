# Cloud Scheduler publishes to the trigger topics, in New York time. Its own agent has the right to
# publish.

resource "google_cloud_scheduler_job" "job" {
  for_each = local.pipeline.schedules

  name        = "${var.name_prefix}${each.key}"
  region      = var.region
  description = "Publishes ${jsonencode(each.value.message)} to ${each.value.topic}"
  schedule    = each.value.cron
  time_zone   = local.pipeline.schedule_defaults.time_zone

  retry_config {
    retry_count          = local.pipeline.schedule_defaults.retry_count
    max_retry_duration   = "${local.pipeline.schedule_defaults.max_retry_seconds}s"
    min_backoff_duration = "${local.pipeline.schedule_defaults.min_backoff_seconds}s"
    max_backoff_duration = "${local.pipeline.schedule_defaults.max_backoff_seconds}s"
    max_doublings        = local.pipeline.schedule_defaults.max_doublings
  }

  pubsub_target {
    topic_name = google_pubsub_topic.topic[each.value.topic].id
    data       = base64encode(jsonencode(each.value.message))
    # The run is named after the job, without the environment's prefix.
    attributes = { schedule = each.key }
  }

  # A topic keeps nothing for a subscription that is made later: what fires before would be lost.
  depends_on = [google_pubsub_subscription.push]
}
