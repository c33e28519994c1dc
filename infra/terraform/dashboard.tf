# One page: does the day run, what waits, what failed, what it costs in time. Of this environment;
# what BigQuery bills is known for the project alone.

locals {
  # Log metrics bear the environment's name; Google's are narrowed to what is ours.
  our_functions = format(
    "resource.type=\"cloud_run_revision\" resource.labels.service_name=one_of(%s)",
    join(",", [for function in values(local.functions) : "\"${function.slug}\""]),
  )
  our_subscriptions = "resource.type=\"pubsub_subscription\" resource.labels.subscription_id=one_of(${join(",", local.push_subscription_names)})"
  our_dead_letters  = "resource.type=\"pubsub_subscription\" resource.labels.subscription_id=one_of(${join(",", local.dead_letter_names)})"
  our_state         = "resource.type=\"firestore.googleapis.com/Database\" resource.labels.database_id=\"${google_firestore_database.state.name}\""

  charts = [
    {
      title  = "Requests by function and answer"
      filter = "${local.our_functions} metric.type=\"run.googleapis.com/request_count\""
      by     = ["resource.label.service_name", "metric.label.response_code_class"]
      align  = "ALIGN_DELTA", reduce = "REDUCE_SUM"
    },
    {
      title  = "Time per request, 95th percentile (ms)"
      filter = "${local.our_functions} metric.type=\"run.googleapis.com/request_latencies\""
      by     = ["resource.label.service_name"]
      align  = "ALIGN_DELTA", reduce = "REDUCE_PERCENTILE_95"
    },
    {
      title  = "Instances by function"
      filter = "${local.our_functions} metric.type=\"run.googleapis.com/container/instance_count\""
      by     = ["resource.label.service_name"]
      align  = "ALIGN_MAX", reduce = "REDUCE_SUM"
    },
    {
      title  = "Errors by function"
      filter = "resource.type=\"cloud_run_revision\" metric.type=\"${local.metric_types.function_errors}\""
      by     = ["resource.label.service_name"]
      align  = "ALIGN_DELTA", reduce = "REDUCE_SUM"
    },
    {
      title  = "Messages waiting, by subscription"
      filter = "${local.our_subscriptions} metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      by     = ["resource.label.subscription_id"]
      align  = "ALIGN_MAX", reduce = "REDUCE_SUM"
    },
    {
      title  = "Dead letters, by subscription"
      filter = "${local.our_dead_letters} metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      by     = ["resource.label.subscription_id"]
      align  = "ALIGN_MAX", reduce = "REDUCE_SUM"
    },
    {
      title  = "Age of the oldest message (s)"
      filter = "${local.our_subscriptions} metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      by     = ["resource.label.subscription_id"]
      align  = "ALIGN_MAX", reduce = "REDUCE_MAX"
    },
    {
      title  = "Exports"
      filter = "resource.type=\"cloud_run_revision\" metric.type=\"${local.metric_types.exported}\""
      by     = []
      align  = "ALIGN_DELTA", reduce = "REDUCE_SUM"
    },
    {
      title  = "Failed consolidations"
      filter = "resource.type=\"cloud_run_revision\" metric.type=\"${local.metric_types.consolidation_failed}\""
      by     = []
      align  = "ALIGN_DELTA", reduce = "REDUCE_SUM"
    },
    {
      title  = "Bytes that BigQuery bills for queries, whole project"
      filter = "resource.type=\"global\" metric.type=\"bigquery.googleapis.com/query/scanned_bytes_billed\""
      by     = []
      align  = "ALIGN_DELTA", reduce = "REDUCE_SUM"
    },
    {
      title  = "Writes to the state"
      filter = "${local.our_state} metric.type=\"firestore.googleapis.com/document/write_ops_count\""
      by     = []
      align  = "ALIGN_DELTA", reduce = "REDUCE_SUM"
    },
  ]
}

# Monitoring gives back no position of 0 and no empty list: written here, each plan would find them
# missing.
resource "google_monitoring_dashboard" "pipeline" {
  dashboard_json = jsonencode({
    displayName = "NBA pipeline ${var.environment}"
    mosaicLayout = {
      columns = 12
      tiles = concat(
        [{
          width = 12, height = 3
          widget = {
            title = "Alerts that are open"
            incidentList = {
              policyNames = [for policy in values(google_monitoring_alert_policy.alert) : policy.name]
            }
          }
        }],
        [for index, chart in local.charts : merge({ for key, at in { xPos = 6 * (index % 2) } : key => at if at > 0 }, {
          yPos = 3 + 4 * floor(index / 2), width = 6, height = 4
          widget = {
            title = chart.title
            xyChart = {
              dataSets = [{
                plotType   = "LINE"
                targetAxis = "Y1"
                timeSeriesQuery = {
                  timeSeriesFilter = {
                    filter = chart.filter
                    aggregation = merge({
                      alignmentPeriod    = "300s"
                      perSeriesAligner   = chart.align
                      crossSeriesReducer = chart.reduce
                    }, { for key, by in { groupByFields = chart.by } : key => by if length(by) > 0 })
                  }
                }
              }]
            }
          }
        })],
      )
    }
  })
}
