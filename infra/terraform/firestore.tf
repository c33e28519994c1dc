# The state: executions, batches, locks, breakers. Collections and what is special about them are in
# pipeline.yaml.

locals {
  indexes = merge([
    for collection, about in local.pipeline.collections : {
      for fields in try(about.indexes, []) : "${collection}/${join(",", fields)}" => {
        collection = collection, fields = fields
      }
    }
  ]...)

  unindexed = merge([
    for collection, about in local.pipeline.collections : {
      for field in try(about.unindexed, []) : "${collection}/${field}" => { collection = collection, field = field }
    }
  ]...)

  expiring = { for collection, about in local.pipeline.collections : collection => about.expires
  if try(about.expires, null) != null }
}

resource "google_firestore_database" "state" {
  name                              = var.firestore_database
  location_id                       = var.region
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC" # writers that meet retry; nobody waits for a lock of a dead one
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.deletion_protection ? "ABANDON" : "DELETE"

  depends_on = [google_project_service.service]
}

# Queries with two filters. Equalities alone could be answered by merging single-field indexes, but
# that gets slow where one of them matches much, and the field of an index can then not be exempted.
resource "google_firestore_index" "index" {
  for_each = local.indexes

  database   = google_firestore_database.state.name
  collection = each.value.collection

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path = fields.value
      order      = "ASCENDING"
    }
  }
}

# Large fields that nothing asks for: each element of a list would be an index entry, and a document
# may have 40,000.
resource "google_firestore_field" "unindexed" {
  for_each = local.unindexed

  database   = google_firestore_database.state.name
  collection = each.value.collection
  field      = each.value.field

  index_config {}
}

# Documents go by themselves once the moment in this field has passed; those without the field stay.
resource "google_firestore_field" "expiring" {
  for_each = local.expiring

  database   = google_firestore_database.state.name
  collection = each.key
  field      = each.value

  ttl_config {}
  # A moment grows with the clock: an index on it would be a hot spot, and nothing asks for it.
  index_config {}
}

resource "google_firestore_backup_schedule" "daily" {
  database  = google_firestore_database.state.name
  retention = "${var.backup_retention_days * 86400}s"

  daily_recurrence {}
}
