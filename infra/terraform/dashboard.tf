# One page: does the day run, what waits, what failed, what it costs in time.

locals {
  charts = [
    {
      title  = "Requests by function and answer"
      filter = "resource.type=\"cloud_run_revision\" metric.type=\"run.googleapis.com/request_count\""
      by     = ["resource.label.service_name", "metric.label.response_code_class"]
      align  = "ALIGN_DELTA", reduce = "REDUCE_SUM"
    },
    {
      title  = "Time per request, 95th percentile (ms)"
      filter = "resource.type=\"cloud_run_revision\" metric.type=\"run.googleapis.com/request_latencies\""
      by     = ["resource.label.service_name"]
      align  = "ALIGN_DELTA", reduce = "REDUCE_PERCENTILE_95"
    },
    {
      title  = "Instances by function"
      filter = "resource.type=\"cloud_run_revision\" metric.type=\"run.googleapis.com/container/instance_count\""
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
      filter = "resource.type=\"pubsub_subscription\" metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      by     = ["resource.label.subscription_id"]
      align  = "ALIGN_MAX", reduce = "REDUCE_SUM"
    },
    {
      title  = "Age of the oldest message (s)"
      filter = "resource.type=\"pubsub_subscription\" metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
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
      title  = "Bytes that BigQuery bills for queries"
      filter = "resource.type=\"global\" metric.type=\"bigquery.googleapis.com/query/scanned_bytes_billed\""
      by     = []
      align  = "ALIGN_DELTA", reduce = "REDUCE_SUM"
    },
    {
      title  = "Writes to the state"
      filter = "resource.type=\"firestore.googleapis.com/Database\" metric.type=\"firestore.googleapis.com/document/write_ops_count\""
      by     = []
      align  = "ALIGN_DELTA", reduce = "REDUCE_SUM"
    },
  ]
}

resource "google_monitoring_dashboard" "pipeline" {
  dashboard_json = jsonencode({
    displayName = "NBA pipeline ${var.environment}"
    mosaicLayout = {
      columns = 12
      tiles = concat(
        [{
          xPos = 0, yPos = 0, width = 12, height = 3
          widget = {
            title = "Alerts that are open"
            incidentList = {
              policyNames = [for policy in values(google_monitoring_alert_policy.alert) : policy.name]
            }
          }
        }],
        [for index, chart in local.charts : {
          xPos = 6 * (index % 2), yPos = 3 + 4 * floor(index / 2), width = 6, height = 4
          widget = {
            title = chart.title
            xyChart = {
              dataSets = [{
                plotType   = "LINE"
                targetAxis = "Y1"
                timeSeriesQuery = {
                  timeSeriesFilter = {
                    filter = chart.filter
                    aggregation = {
                      alignmentPeriod    = "300s"
                      perSeriesAligner   = chart.align
                      crossSeriesReducer = chart.reduce
                      groupByFields      = chart.by
                    }
                  }
                }
              }]
            }
          }
        }],
      )
    }
  })
}
