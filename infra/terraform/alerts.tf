# The alert policies of pipeline.yaml's `alerts`: their conditions here, whom they tell in
# channels.tf. What the monitor tells has none: pipeline.yaml, `conditions`.

locals {
  # One about a function that pipeline.yaml does not have would never be quiet.
  alerts = { for name, alert in local.pipeline.alerts : name => alert
  if try(contains(keys(local.functions), alert.function), true) }

  push_subscription_names = [for name in keys(local.subscriptions) : "\"${var.name_prefix}${name}\""]
  dead_letter_names       = [for name in keys(local.dead_letters) : "\"${var.name_prefix}${name}\""]
  timed_functions = { for name, function in local.functions : name => function
  if contains(local.pipeline.alerts.latency-above-target.functions, name) }
  timeouts = toset([for function in local.timed_functions : tostring(function.timeout_seconds)])

  # Each alert has one kind of condition: a threshold on a metric, or PromQL.
  thresholds = {
    oldest-unacked-message = [{
      says = "A message waits longer than its retries explain"
      filter = join(" AND ", [
        "resource.type=\"pubsub_subscription\"",
        "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"",
        "resource.labels.subscription_id=one_of(${join(",", local.push_subscription_names)})",
      ])
      aligner = "ALIGN_MAX", reducer = "REDUCE_NONE", period = 60, for_seconds = 300
      above   = local.pipeline.alerts.oldest-unacked-message.seconds
    }]
    function-errors = [{
      says    = "A function logged an error"
      filter  = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metric_types.function_errors}\""
      aligner = "ALIGN_DELTA", reducer = "REDUCE_NONE", period = 300, above = 0, for_seconds = 0
    }]
    # Functions of one time-out share a target, and a policy takes six conditions at most.
    latency-above-target = [for timeout in sort(local.timeouts) : {
      says = "Functions with a time-out of ${timeout} s take more than their share of it"
      filter = join(" AND ", [
        "resource.type=\"cloud_run_revision\"",
        "metric.type=\"run.googleapis.com/request_latencies\"",
        format("resource.labels.service_name=one_of(%s)", join(",", [
          for function in values(local.timed_functions) : "\"${function.slug}\"" if tostring(function.timeout_seconds) == timeout
        ])),
      ])
      aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_NONE", period = 600, for_seconds = 0
      above   = tonumber(timeout) * 1000 * local.pipeline.alerts.latency-above-target.share_of_timeout
    }]
  }

  # Half of the silence is looked back on, and half of it has to last: from the last heartbeat that
  # is all of it, and a new deployment has the second half to send its first one. A condition for
  # the absence of a metric never fires where there never was one, and a count of log lines may go
  # on as zeros.
  silent_minutes = local.pipeline.alerts.monitor-silent.minutes / 2

  queries = {
    monitor-silent = {
      for_minutes = local.silent_minutes
      query = join(" ", [
        "vector(1) unless on ()",
        format(local.lines_since, google_logging_metric.metric["heartbeat"].name, local.silent_minutes),
      ])
    }
  }
  lines_since = "(sum(increase(logging_googleapis_com:user_%s{monitored_resource=\"cloud_run_revision\"}[%sm])) > 0)"
}

resource "google_monitoring_alert_policy" "alert" {
  for_each = local.alerts

  display_name          = "NBA pipeline ${var.environment}: ${each.key}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  dynamic "conditions" {
    for_each = try(local.thresholds[each.key], [])
    content {
      display_name = conditions.value.says

      condition_threshold {
        filter          = conditions.value.filter
        comparison      = "COMPARISON_GT"
        threshold_value = conditions.value.above
        duration        = "${conditions.value.for_seconds}s"

        aggregations {
          alignment_period     = "${conditions.value.period}s"
          per_series_aligner   = conditions.value.aligner
          cross_series_reducer = conditions.value.reducer
        }

        trigger {
          count = 1
        }
      }
    }
  }

  dynamic "conditions" {
    for_each = try([local.queries[each.key]], [])
    content {
      display_name = each.value.says

      condition_prometheus_query_language {
        query               = conditions.value.query
        duration            = "${conditions.value.for_minutes * 60}s"
        evaluation_interval = "60s"
        # Before the first line there is no such metric yet, and the alert is about just that.
        disable_metric_validation = true
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "NBA pipeline ${var.environment}: ${each.value.says}"
    content   = "${each.value.says}\n\n**Next:** ${each.value.next}"
  }

  alert_strategy {
    auto_close = "1800s"
  }

  # A log metric is unknown to policies for up to ten minutes after it was made: the builds take
  # about as long.
  depends_on = [google_cloudfunctions2_function.function]
}
