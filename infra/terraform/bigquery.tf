# Datasets, tables and views, as the schema files of shared/stores/warehouse say.

locals {
  # As the API gives types back, so that a plan after apply finds nothing to change.
  api_types = { INT64 = "INTEGER", FLOAT64 = "FLOAT", BOOL = "BOOLEAN" }

  day_ms = 24 * 60 * 60 * 1000

  # The key of each schema file, where BigQuery can have it: at most 16 columns, all REQUIRED, none
  # a FLOAT64.
  key_columns = { for name, schema in local.schemas : name => toset([
    for field in schema.schema.fields : field.name if try(field.mode, "NULLABLE") == "REQUIRED" && field.type != "FLOAT64"
  ]) }
  constraints = { for name, schema in local.schemas : name => [
    for columns in try([schema.tableConstraints.primaryKey.columns], []) : columns
    if length(columns) <= 16 && length(setsubtract(columns, local.key_columns[name])) == 0
  ] }
}

resource "google_bigquery_dataset" "dataset" {
  #checkov:skip=CKV_GCP_81:public sports data, encrypted with Google's keys
  for_each = local.datasets

  dataset_id                 = "${var.dataset_prefix}${each.key}"
  location                   = var.region
  description                = "${each.key} of the NBA player-props pipeline, ${var.environment}"
  max_time_travel_hours      = "168" # 7 days, docs/deploy.md says how to go back
  delete_contents_on_destroy = !var.deletion_protection
  # Tables of a unit that nobody dropped go by themselves; every other dataset's tables stay for
  # ever.
  default_table_expiration_ms = (
    each.key == local.pipeline.staging.dataset ? local.pipeline.staging.expire_days * local.day_ms : null
  )

  depends_on = [google_project_service.service]
}

resource "google_bigquery_table" "table" {
  #checkov:skip=CKV_GCP_80:public sports data, encrypted with Google's keys
  for_each = local.schemas

  dataset_id               = google_bigquery_dataset.dataset[each.value.tableReference.datasetId].dataset_id
  table_id                 = each.value.tableReference.tableId
  description              = each.value.description
  deletion_protection      = var.deletion_protection
  require_partition_filter = try(each.value.requirePartitionFilter, false)
  clustering               = try(each.value.clustering.fields, null)

  schema = jsonencode([for field in each.value.schema.fields : {
    name        = field.name
    type        = lookup(local.api_types, field.type, field.type)
    mode        = try(field.mode, "NULLABLE")
    description = try(field.description, "")
  }])

  dynamic "time_partitioning" {
    for_each = try([each.value.timePartitioning], [])
    content {
      type  = time_partitioning.value.type
      field = time_partitioning.value.field
    }
  }

  # A key is believed, not enforced: with a column of it NULL the answers may be wrong. MERGE reads
  # the key of the file.
  dynamic "table_constraints" {
    for_each = local.constraints[each.key]
    content {
      primary_key {
        columns = table_constraints.value
      }
    }
  }
}

resource "google_bigquery_table" "view" {
  #checkov:skip=CKV_GCP_80:public sports data, encrypted with Google's keys
  #checkov:skip=CKV_GCP_121:a view holds no rows; apply makes it again
  for_each = local.views

  dataset_id          = google_bigquery_dataset.dataset[split(".", each.key)[0]].dataset_id
  table_id            = split(".", each.key)[1]
  deletion_protection = false

  view {
    query          = replace(each.value, "/\\b(${join("|", local.datasets)})\\./", "${var.dataset_prefix}$1.")
    use_legacy_sql = false
  }

  depends_on = [google_bigquery_table.table]
}

resource "google_bigquery_dataset_iam_member" "function" {
  for_each = local.dataset_grants

  # The last part of its id is its name, and is new with a dataset made anew: that has no grants
  # yet.
  dataset_id = reverse(split("/", google_bigquery_dataset.dataset[each.value.dataset].id))[0]
  role       = each.value.role
  member     = google_service_account.function[each.value.function].member
}

# Running a query or a load is a right on the project; what it reads and writes is decided by the
# datasets.
resource "google_project_iam_member" "bigquery_jobs" {
  for_each = local.functions

  project = var.project_id
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.function[each.key].member
}

# A load of the run history that one function began may be found and waited for by another (its job
# id is the same), and without this an account sees its own jobs alone.
resource "google_project_iam_custom_role" "job_reader" {
  role_id     = "${replace(var.name_prefix, "-", "_")}nba_job_reader"
  title       = "NBA pipeline ${var.environment}: read BigQuery jobs"
  description = "See how a job stands that another function began"
  permissions = ["bigquery.jobs.get"]

  depends_on = [google_project_service.service]
}

resource "google_project_iam_member" "job_reader" {
  for_each = local.functions

  project = var.project_id
  role    = google_project_iam_custom_role.job_reader.id
  member  = google_service_account.function[each.key].member
}
