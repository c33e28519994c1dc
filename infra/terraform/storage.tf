# raw: what the sources answered, unchangeable. exports: what the front end reads. models: trained
# models, versioned.

locals {
  buckets = {
    raw     = { versioned = false, retention_days = var.raw_retention_days, public = false }
    exports = { versioned = true, retention_days = 0, public = var.exports_public }
    models  = { versioned = true, retention_days = 0, public = false }
  }
}

resource "google_storage_bucket" "bucket" {
  #checkov:skip=CKV_GCP_62:access is in Cloud Audit Logs (audit.tf); a log bucket would cost more
  #checkov:skip=CKV_GCP_78:raw has a retention policy, which excludes versions; the others have them
  #checkov:skip=CKV_GCP_114:enforced, but for the exports where exports_public asks for a site
  for_each = local.buckets

  name                        = "${var.project_id}-${var.name_prefix}nba-${each.key}"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = each.value.public ? "inherited" : "enforced"
  force_destroy               = !var.deletion_protection

  versioning {
    enabled = each.value.versioned
  }

  # Without this a browser keeps what it got from a page of another origin, and every front end's
  # is.
  dynamic "cors" {
    for_each = each.value.public ? [var.exports_origins] : []
    content {
      origin          = cors.value
      method          = ["GET", "HEAD"]
      response_header = ["Content-Type", "ETag"]
      max_age_seconds = 300
    }
  }

  dynamic "retention_policy" {
    for_each = each.value.retention_days > 0 ? [each.value.retention_days] : []
    content {
      retention_period = tostring(retention_policy.value * 86400)
      is_locked        = false # locked it could never be shortened, not even by mistake's author
    }
  }

  # Raw files are read again in their first days, by retries; afterwards only for a backfill.
  dynamic "lifecycle_rule" {
    for_each = each.key == "raw" ? [30] : []
    content {
      action {
        type          = "SetStorageClass"
        storage_class = "NEARLINE"
      }
      condition {
        age = lifecycle_rule.value
      }
    }
  }

  # Overwritten versions: long enough to look at yesterday's mistake.
  dynamic "lifecycle_rule" {
    for_each = each.value.versioned ? [30] : []
    content {
      action {
        type = "Delete"
      }
      condition {
        days_since_noncurrent_time = lifecycle_rule.value
        num_newer_versions         = 3
        with_state                 = "ARCHIVED"
      }
    }
  }

  depends_on = [google_project_service.service]
}

resource "google_storage_bucket_iam_member" "function" {
  for_each = local.bucket_grants

  bucket = google_storage_bucket.bucket[each.value.bucket].id # its name, and new with a bucket made anew
  role   = each.value.role
  member = google_service_account.function[each.value.function].member
}

# The bytes of messages that a function holds while it is paused, and nothing else in that bucket.
resource "google_storage_bucket_iam_member" "prefix" {
  for_each = local.prefix_grants

  bucket = google_storage_bucket.bucket[each.value.bucket].id # its name, and new with a bucket made anew
  role   = each.value.role
  member = google_service_account.function[each.value.function].member

  condition {
    title       = "only below ${each.value.prefix}"
    description = "Objects whose name begins with ${each.value.prefix}"
    expression = format(
      "resource.name.startsWith(\"projects/_/buckets/%s/objects/%s\")",
      google_storage_bucket.bucket[each.value.bucket].name,
      each.value.prefix,
    )
  }
}

resource "google_storage_bucket_iam_member" "public" {
  #checkov:skip=CKV_GCP_28:only where exports_public asks for it: JSON that a public page shows
  count = var.exports_public ? 1 : 0

  bucket = google_storage_bucket.bucket["exports"].name
  role   = "roles/storage.legacyObjectReader" # to get a file, not to list them
  member = "allUsers"

  lifecycle {
    replace_triggered_by = [google_storage_bucket.bucket["exports"].id]
  }
}
