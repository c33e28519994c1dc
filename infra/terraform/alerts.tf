# What is counted in the logs, and the alert policies of pipeline.yaml's `alerts`. Without a channel a policy still opens
# incidents on the alerting page, but nobody is told: alert_email, slack_channel or notification_channels add one.

locals {
  services_of_ours = join(" OR ", [for function in values(local.functions) : "\"${function.slug}\""])
  jobs_of_ours     = join(" OR ", [for name in keys(local.pipeline.schedules) : "\"${var.name_prefix}${name}\""])
  function_logs    = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(${local.services_of_ours})"

  log_metrics = {
    consolidation_failed = {
      counts = "attempts of consolidation that failed"
      filter = <<-EOT
        ${local.function_logs}
        AND jsonPayload.function="phase5_consolidation"
        AND (jsonPayload.message=~"^failed: " OR jsonPayload.error_type="StagingMismatch")
      EOT
    }
    zero_row_merge = {
      counts = "MERGEs that affected no row although rows were staged"
      filter = <<-EOT
        ${local.function_logs}
        AND jsonPayload.function="phase5_consolidation"
        AND jsonPayload.message=~"the MERGE affected 0 rows"
      EOT
    }
    exported = {
      counts = "exports that ended as they should: also with nothing to export, or halted"
      filter = <<-EOT
        ${local.function_logs}
        AND jsonPayload.function="phase6_export"
        AND jsonPayload.message=~"^phase6_export: (success|partial|no_data|halted)$"
      EOT
    }
    function_errors = {
      counts = "log lines of functions at ERROR and above, crashes included"
      filter = "${local.function_logs} AND severity>=ERROR"
    }
    scheduler_failed = {
      counts = "attempts of scheduler jobs that failed"
      filter = "resource.type=\"cloud_scheduler_job\" AND resource.labels.job_id=(${local.jobs_of_ours}) AND severity>=ERROR"
    }
  }

  push_subscription_names = [for name in keys(local.subscriptions) : "\"${var.name_prefix}${name}\""]
  dead_letter_names       = [for name in keys(local.dead_letters) : "\"${var.name_prefix}${name}\""]
  timeouts                = toset([for function in local.functions : tostring(function.timeout_seconds)])

  # Each alert has one kind of condition: a threshold on a metric, or PromQL.
  thresholds = {
    consolidation-failed = [{
      says    = "An attempt of consolidation failed"
      filter  = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metric_types.consolidation_failed}\""
      aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", period = 300, above = 0, for_seconds = 0
    }]
    zero-row-merge = [{
      says    = "A MERGE affected no rows"
      filter  = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metric_types.zero_row_merge}\""
      aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", period = 300, above = 0, for_seconds = 0
    }]
    scheduler-job-failed = [{
      says    = "An attempt of a scheduler job failed"
      filter  = "resource.type=\"cloud_scheduler_job\" AND metric.type=\"${local.metric_types.scheduler_failed}\""
      aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", period = 300, above = 0, for_seconds = 0
    }]
    dead-letters = [{
      says = "Messages wait in a dead-letter subscription"
      filter = join(" AND ", [
        "resource.type=\"pubsub_subscription\"",
        "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\"",
        "resource.labels.subscription_id=one_of(${join(",", local.dead_letter_names)})",
      ])
      aligner = "ALIGN_MAX", reducer = "REDUCE_NONE", period = 60, above = 0, for_seconds = 0
    }]
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
          for function in values(local.functions) : "\"${function.slug}\"" if tostring(function.timeout_seconds) == timeout
        ])),
      ])
      aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_NONE", period = 600, for_seconds = 0
      above   = tonumber(timeout) * 1000 * local.pipeline.alerts.latency-above-target.share_of_timeout
    }]
  }

  metric_types = { for name, metric in google_logging_metric.metric : name => "logging.googleapis.com/user/${metric.name}" }

  # The moment of the day that an export has to be there by. Alerting knows UTC alone: New York is 300 minutes behind,
  # and 240 from the second Sunday of March to the first of November. (day of month - day of week) is the date of
  # the last Sunday: at least 8 once the second one is there, below 1 before the first one.
  export_by     = split(":", local.pipeline.alerts.export-missing.by)
  export_minute = tonumber(local.export_by[0]) * 60 + tonumber(local.export_by[1])
  summer_time = join(" + ", [
    "(month() > bool 3) * (month() < bool 11)",
    "(month() == bool 3) * ((day_of_month() - day_of_week()) >= bool 8)",
    "(month() == bool 11) * ((day_of_month() - day_of_week()) < bool 1)",
  ])
  new_york_minute = "hour() * 60 + minute() - 300 + 60 * (${local.summer_time})"

  queries = {
    export-missing = join(" ", [
      "((${local.new_york_minute}) >= ${local.export_minute} < ${local.export_minute + 30})",
      "unless on ()",
      format(
        "(sum(increase(logging_googleapis_com:user_%s{monitored_resource=\"cloud_run_revision\"}[%sm])) > 0)",
        google_logging_metric.metric["exported"].name,
        local.pipeline.alerts.export-missing.within_minutes,
      ),
    ])
  }

  channels = concat(
    var.notification_channels,
    [for channel in google_monitoring_notification_channel.email : channel.id],
    [for channel in google_monitoring_notification_channel.slack : channel.id],
  )
  slack = var.slack_channel != null && nonsensitive(var.slack_auth_token != null)
}

# --- what is counted ------------------------------------------------------------------------------------------------

resource "google_logging_metric" "metric" {
  for_each = local.log_metrics

  # Letters and underscores: PromQL takes no other names.
  name        = "${replace(var.name_prefix, "-", "_")}nba_${each.key}"
  description = "Counts ${each.value.counts}"
  filter      = trimspace(each.value.filter)

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.service]
}

# --- who is told ----------------------------------------------------------------------------------------------------

resource "google_monitoring_notification_channel" "email" {
  count = var.alert_email == null ? 0 : 1

  display_name = "NBA pipeline ${var.environment}: mail"
  type         = "email"
  labels       = { email_address = var.alert_email }

  depends_on = [google_project_service.service]
}

resource "google_monitoring_notification_channel" "slack" {
  count = local.slack ? 1 : 0

  display_name = "NBA pipeline ${var.environment}: Slack"
  type         = "slack"
  labels       = { channel_name = var.slack_channel }

  sensitive_labels {
    auth_token = var.slack_auth_token
  }

  depends_on = [google_project_service.service]
}

# --- when -----------------------------------------------------------------------------------------------------------

resource "google_monitoring_alert_policy" "alert" {
  for_each = local.pipeline.alerts

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
        query               = conditions.value
        duration            = "0s"
        evaluation_interval = "60s"
        # Before the first export there is no such metric yet, and the alert is about just that.
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
}

resource "google_billing_budget" "budget" {
  count = var.billing_account == null ? 0 : 1

  billing_account = var.billing_account
  display_name    = "NBA pipeline ${var.environment}"

  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    specified_amount {
      units = tostring(var.budget_amount)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1]
    content {
      threshold_percent = threshold_rules.value
    }
  }

  threshold_rules {
    threshold_percent = 1
    spend_basis       = "FORECASTED_SPEND"
  }

  dynamic "all_updates_rule" {
    for_each = length(local.channels) > 0 ? [1] : []
    content {
      monitoring_notification_channels = slice(local.channels, 0, min(5, length(local.channels))) # it takes five
    }
  }

  depends_on = [google_project_service.service]
}
