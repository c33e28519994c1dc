# Who is told. Without a channel an alert still opens an incident on the alerting page, but nobody
# hears of it: alert_email, slack_channel or notification_channels add one. The budget takes mail
# alone: it tells alert_email, and by itself the billing account's administrators.

locals {
  channels = concat(
    var.notification_channels,
    [for channel in google_monitoring_notification_channel.email : channel.id],
    [for channel in google_monitoring_notification_channel.slack : channel.id],
  )
  slack = var.slack_channel != null && nonsensitive(var.slack_auth_token != null)
}

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
    for_each = var.alert_email == null ? [] : [1]
    content {
      monitoring_notification_channels = google_monitoring_notification_channel.email[*].id
    }
  }

  depends_on = [google_project_service.service]
}
