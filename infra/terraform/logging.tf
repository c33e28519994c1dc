# What is counted in the logs of the functions; alerts and dashboard look at it. Lines are told
# apart by their `event`, a code of shared/core/events.py, never by their sentence.

locals {
  services_of_ours = join(" OR ", [for function in values(local.functions) : "\"${function.slug}\""])
  function_logs    = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(${local.services_of_ours})"

  # An attempt that a retry cannot mend, or after which everything staged is kept for one.
  failed_consolidation = [
    "staging_mismatch", "staging_missing", "staged_rows_wrong", "nothing_staged", "zero_row_merge", "merged_rows_wrong",
    "rows_in_place_wrong", "schema_mismatch", "bad_setting", "model_damaged", "defect"
  ]
  # That nothing was exported is as it should be where there was nothing to play, and in no other
  # case.
  exported = ["done", "done_with_gaps", "export_halted", "no_games", "games_postponed", "games_called_off"]

  log_metrics = {
    consolidation_failed = {
      counts = "attempts of consolidation that failed"
      filter = <<-EOT
        ${local.function_logs}
        AND jsonPayload.function="phase5_consolidation"
        AND jsonPayload.event=(${join(" OR ", formatlist("\"%s\"", local.failed_consolidation))})
      EOT
    }
    exported = {
      counts = "exports that ended as they should"
      filter = <<-EOT
        ${local.function_logs}
        AND jsonPayload.function="phase6_export"
        AND jsonPayload.event=(${join(" OR ", formatlist("\"%s\"", local.exported))})
      EOT
    }
    heartbeat = {
      counts = "runs of the monitor that came to their end"
      filter = <<-EOT
        ${local.function_logs}
        AND jsonPayload.event="heartbeat"
      EOT
    }
    # A function answers 503 to be asked again, and Cloud Run logs any 5xx as an error of the
    # request. Where the process did not live to answer, Cloud Run answers 503 itself and says why
    # in textPayload: that counts.
    function_errors = {
      counts = "log lines of functions at ERROR and above, crashes included, planned retries not"
      filter = <<-EOT
        ${local.function_logs}
        AND severity>=ERROR
        AND NOT (log_id("run.googleapis.com/requests") AND httpRequest.status=503 AND NOT textPayload:*)
      EOT
    }
  }

  metric_types = { for name, metric in google_logging_metric.metric : name => "logging.googleapis.com/user/${metric.name}" }
}

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
