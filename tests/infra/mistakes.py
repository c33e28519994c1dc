"""Mistakes planted in the Terraform, one line each, and the check that has to find it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """In `file` the text `old`, which stands there exactly once, becomes `new`; `caught_by` is the
    check's name.
    """

    name: str
    file: str
    old: str
    new: str
    caught_by: str
    run: str = "defaults"


DEAD_LETTER_POLICY = """
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.topic["${each.key}-dead-letter"].id
    max_delivery_attempts = local.functions[each.value.function].max_delivery_attempts
  }
"""

MISTAKES = (
    Mistake("dead-letter policy removed", "pubsub.tf", DEAD_LETTER_POLICY, "", "dead_letters"),
    Mistake(
        "dead letters to the topic itself",
        "pubsub.tf",
        'dead_letter_topic     = google_pubsub_topic.topic["${each.key}-dead-letter"].id',
        "dead_letter_topic     = google_pubsub_topic.topic[each.value.topic].id",
        "dead_letters",
    ),
    Mistake(
        "Pub/Sub may not forward dead letters",
        "pubsub.tf",
        '  topic  = google_pubsub_topic.topic[each.key].name\n  role   = "roles/pubsub.publisher"',
        '  topic  = google_pubsub_topic.topic[each.key].name\n  role   = "roles/pubsub.viewer"',
        "publishers",
    ),
    Mistake(
        "Pub/Sub may not acknowledge what it forwards",
        "pubsub.tf",
        'resource "google_pubsub_subscription_iam_member" "dead_letter_forwarder" {\n  for_each = local.subscriptions',
        'resource "google_pubsub_subscription_iam_member" "dead_letter_forwarder" {\n  for_each = {}',
        "pullers",
    ),
    Mistake(
        "alerts that monitor may not read",
        "pubsub.tf",
        "  for_each = local.alert_pullers",
        "  for_each = {}",
        "pullers",
    ),
    Mistake(
        "monitor reads what exports announce",
        "pubsub.tf",
        "google_pubsub_subscription.operators[local.pipeline.alerts_topic].name",
        "values(google_pubsub_subscription.operators)[1].name",
        "pullers",
    ),
    Mistake("schedules in UTC", "scheduler.tf", "local.pipeline.schedule_defaults.time_zone", '"Etc/UTC"', "schedules"),
    Mistake(
        "no retries of a schedule",
        "scheduler.tf",
        "local.pipeline.schedule_defaults.retry_count",
        "0",
        "schedules",
    ),
    Mistake(
        "a run named after the environment's job",
        "scheduler.tf",
        "attributes = { schedule = each.key }",
        'attributes = { schedule = "job-${each.key}" }',
        "schedules",
    ),
    Mistake(
        "a dashboard open to everybody",
        "people.tf",
        'member   = "user:${each.value.email}"',
        'member   = "allUsers"',
        "nothing_public",
        run="everything",
    ),
    Mistake(
        "a dashboard open to everybody in a company",
        "people.tf",
        'member   = "user:${each.value.email}"',
        'member   = "domain:example.com"',
        "invokers",
        run="everything",
    ),
    Mistake(
        "people who cannot look up where the dashboard is",
        "people.tf",
        '["invoker", "viewer"]',
        '["invoker"]',
        "invokers",
        run="everything",
    ),
    Mistake(
        "people who may change the dashboard",
        "people.tf",
        '["invoker", "viewer"]',
        '["invoker", "viewer", "developer"]',
        "invokers",
        run="everything",
    ),
    Mistake(
        "readers who may act",
        "people.tf",
        'join(",", sort(var.dashboard_operators))',
        'join(",", sort(local.people))',
        "environment",
        run="everything",
    ),
    Mistake(
        "a dashboard that knows no audience",
        "people.tf",
        'join(",", sort(var.dashboard_audiences))',
        '""',
        "environment",
    ),
    Mistake(
        "Pub/Sub may call the dashboard",
        "iam.tf",
        'resource "google_cloud_run_service_iam_member" "push" {\n  for_each = local.pushed_functions',
        'resource "google_cloud_run_service_iam_member" "push" {\n  for_each = local.functions',
        "invokers",
    ),
    Mistake(
        "a dashboard that no person can reach",
        "functions.tf",
        'each.value.http ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"',
        '"ALLOW_INTERNAL_ONLY"',
        "functions",
    ),
    Mistake(
        "every function open to the internet since the dashboard is",
        "functions.tf",
        'each.value.http ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"',
        '"ALLOW_ALL"',
        "functions",
    ),
    Mistake(
        "anybody may call the functions",
        "iam.tf",
        '"roles/run.invoker"\n  member   = google_service_account.push.member',
        '"roles/run.invoker"\n  member   = "allUsers"',
        "nothing_public",
    ),
    Mistake(
        "a subscription of the wrong topic",
        "pubsub.tf",
        "topic                      = google_pubsub_topic.topic[each.value.topic].id",
        'topic                      = google_pubsub_topic.topic["nba-phase1-trigger"].id',
        "subscribers",
    ),
    Mistake(
        "every push to one function",
        "pubsub.tf",
        "push_endpoint = google_cloudfunctions2_function.function[each.value.function].service_config[0].uri",
        'push_endpoint = google_cloudfunctions2_function.function["grading"].service_config[0].uri',
        "subscribers",
    ),
    Mistake(
        "a token for another audience",
        "pubsub.tf",
        "audience              = google_cloudfunctions2_function.function[each.value.function].service_config[0].uri",
        'audience              = "https://example.com"',
        "authenticated_pushes",
    ),
    Mistake(
        "subscriptions that expire in summer",
        "pubsub.tf",
        "  # Never: a summer without messages would otherwise delete it after 31 days.\n"
        '  expiration_policy {\n    ttl = ""\n  }\n',
        "",
        "retries",
    ),
    Mistake(
        "an ack deadline shorter than a run",
        "pubsub.tf",
        "ack_deadline_seconds       = local.functions[each.value.function].ack_deadline_seconds",
        "ack_deadline_seconds       = 60",
        "retries",
    ),
    Mistake(
        "functions that may publish anywhere",
        "pipeline.tf",
        "function.publishes_any ? local.plain_topics : toset(function.sends)",
        "local.plain_topics",
        "publishers",
    ),
    Mistake(
        "functions that may not send their poison away",
        "pipeline.tf",
        "letter if local.subscriptions[subscription].function == name]",
        "letter if false]",
        "publishers",
    ),
    Mistake(
        "one account for all functions",
        "functions.tf",
        "google_service_account.function[each.key].email",
        'google_service_account.function["grading"].email',
        "own_accounts",
    ),
    Mistake(
        "the environment's prefix forgotten",
        "functions.tf",
        "DATASET_PREFIX       = var.dataset_prefix",
        'DATASET_PREFIX       = ""',
        "environment",
        run="everything",
    ),
    Mistake(
        "each log line twice",
        "functions.tf",
        'LOG_EXECUTION_ID         = "false"',
        'LOG_EXECUTION_ID         = "true"',
        "environment",
    ),
    Mistake(
        "strangers who may list the exports",
        "storage.tf",
        '"roles/storage.legacyObjectReader"',
        '"roles/storage.objectViewer"',
        "nothing_public",
        run="everything",
    ),
    Mistake(
        "public exports that no page can read",
        "storage.tf",
        "each.value.public ? [var.exports_origins] : []",
        "[]",
        "buckets",
        run="everything",
    ),
    Mistake(
        "a basic role",
        "bigquery.tf",
        'role    = "roles/bigquery.jobUser"',
        'role    = "roles/editor"',
        "least_privilege",
    ),
    Mistake(
        "readers that may write",
        "pipeline.tf",
        'read = "roles/bigquery.dataViewer"',
        'read = "roles/bigquery.dataEditor"',
        "dataset_grants",
    ),
    Mistake(
        "functions that may write the whole raw bucket",
        "storage.tf",
        'objects/%s\\")",',
        'objects/\\")%.0s",',
        "bucket_grants",
    ),
    Mistake(
        "a partition filter that nothing requires",
        "bigquery.tf",
        "try(each.value.requirePartitionFilter, false)",
        "false",
        "tables",
    ),
    Mistake(
        "tables without protection",
        "bigquery.tf",
        "  deletion_protection      = var.deletion_protection\n",
        "  deletion_protection      = false\n",
        "tables",
    ),
    Mistake(
        "every dataset's tables expire",
        "bigquery.tf",
        "each.key == local.pipeline.staging.dataset ? local.pipeline.staging.expire_days * local.day_ms : null",
        "local.pipeline.staging.expire_days * local.day_ms",
        "datasets",
    ),
    Mistake(
        "a view of the other environment's tables",
        "bigquery.tf",
        '"${var.dataset_prefix}$1."',
        '"$1."',
        "views",
        run="everything",
    ),
    Mistake(
        "raw files that may be overwritten",
        "storage.tf",
        "retention_days = var.raw_retention_days",
        "retention_days = 0",
        "buckets",
    ),
    Mistake(
        "an alert that tells nobody",
        "alerts.tf",
        "notification_channels = local.channels",
        "notification_channels = []",
        "alerts",
        run="everything",
    ),
    Mistake(
        "a monitor that may be silent for a night",
        "alerts.tf",
        "local.pipeline.alerts.monitor-silent.minutes / 2",
        "local.pipeline.alerts.monitor-silent.minutes * 12",
        "silence",
    ),
    Mistake(
        "a silence that is noticed only where there was a heartbeat before",
        "alerts.tf",
        '"vector(1) unless on ()"',
        '"0 =="',
        "silence",
    ),
    Mistake(
        "no alert about the monitor",
        "alerts.tf",
        "try(contains(keys(local.functions), alert.function), true)",
        "!can(alert.function)",
        "alerts",
        run="everything",  # apart from the silence that it is about
    ),
    Mistake(
        "a budget that tells Slack",
        "channels.tf",
        "monitoring_notification_channels = google_monitoring_notification_channel.email[*].id",
        "monitoring_notification_channels = local.channels",
        "budget",
        run="everything",
    ),
    Mistake(
        "a chart of both environments",
        "dashboard.tf",
        'resource.labels.database_id=\\"${google_firestore_database.state.name}\\"',
        "",
        "charts",
    ),
    Mistake(
        "a position of 0 that every plan wants again",
        "dashboard.tf",
        "key => at if at > 0",
        "key => at",
        "dashboard",
    ),
    Mistake(
        "an empty list that every plan wants again",
        "dashboard.tf",
        "key => by if length(by) > 0",
        "key => by",
        "dashboard",
    ),
    Mistake(
        "messages that wait where nobody looks",
        "alerts.tf",
        'one_of(${join(",", local.push_subscription_names)})',
        'one_of(${join(",", local.dead_letter_names)})',
        "everybody_is_watched",
    ),
    Mistake(
        "a function near its time-out whom two would tell of",
        "alerts.tf",
        "if contains(local.pipeline.alerts.latency-above-target.functions, name)",
        "if length(name) > 0",
        "everybody_is_watched",
    ),
    Mistake(
        "finished executions that never go",
        "firestore.tf",
        "  ttl_config {}\n",
        "",
        "collections",
    ),
    Mistake(
        "a key of a column that may be NULL",
        "bigquery.tf",
        "length(columns) <= 16 && length(setsubtract(columns, local.key_columns[name])) == 0",
        "length(columns) <= 16",
        "tables",
    ),
    Mistake(
        "a database whose readers nobody can name",
        "audit.tf",
        '["datastore", "secretmanager", "storage"]',
        '["firestore", "secretmanager", "storage"]',
        "audit",
    ),
    Mistake(
        "writes that leave no trace",
        "audit.tf",
        '  audit_log_config {\n    log_type = "DATA_WRITE"\n  }\n',
        "",
        "audit",
    ),
    Mistake(
        "two environments that undo each other's audit",
        "audit.tf",
        "var.audit_data_access ? toset(local.audited) : toset([])",
        "toset(local.audited)",
        "audit",
        run="everything",
    ),
    Mistake(
        "builds that read whichever bucket begins alike",
        "iam.tf",
        'startsWith(\\"projects/_/buckets/${bucket}/\\")',
        'startsWith(\\"projects/_/buckets/${bucket}\\")',
        "build_source",
    ),
    Mistake(
        "tokens for everybody's repositories",
        "ci.tf",
        '"assertion.sub in ${jsonencode(sort(var.ci_subjects))}"',
        '"assertion.sub != \\"\\""',
        "deployers",
        run="everything",
    ),
    Mistake(
        "every run of the pool may deploy",
        "ci.tf",
        '"principal://iam.googleapis.com/${google_iam_workload_identity_pool.ci["ci"].name}/subject/${each.value}"',
        '"principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.ci["ci"].name}/*"',
        "deployers",
        run="everything",
    ),
)
