# pipeline.yaml and the schema files as maps that the other files iterate over. No list of
# functions, topics, schedules or tables is kept by hand.

locals {
  pipeline       = yamldecode(file("${path.module}/../../pipeline.yaml"))
  schemas_folder = "${path.module}/../../shared/stores/warehouse/schemas"
  views_folder   = "${path.module}/../../shared/stores/warehouse/views"

  every = local.pipeline.every_function

  functions = {
    for name, function in local.pipeline.functions : name => merge(local.pipeline.defaults, function, {
      # Services of Cloud Run and accounts have hyphens.
      slug    = "${var.name_prefix}${replace(name, "_", "-")}"
      secrets = try(function.secrets, [])
      sends   = compact(concat([function.announces], try(function.publishes, [])))
      # What a function touches is what every function does and what its own entry says; write
      # includes read.
      datasets = { for dataset, access in merge(local.every.datasets, function.datasets) : dataset =>
        contains([access, try(local.every.datasets[dataset], "read")], "write") ? "write" : "read"
      }
      http               = try(function.http, false)
      publishes_any      = try(function.publishes_any, false)
      pulls_alerts       = try(function.pulls_alerts, false)
      pulls_dead_letters = try(function.pulls_dead_letters, false)
    })
  }

  # The others are asked by people, and no topic is theirs.
  pushed_functions = { for name, function in local.functions : name => function if !function.http }

  # --- Pub/Sub ------------------------------------------------------------------------------------

  subscriptions = merge([
    for name, function in local.functions : {
      for topic in function.topics : replace("${name}-${topic}", "_", "-") => { function = name, topic = topic }
    }
  ]...)

  dead_letters = { for name, subscription in local.subscriptions : "${name}-dead-letter" => name }

  plain_topics = setunion(
    keys(local.pipeline.pull_subscriptions),
    flatten([for function in local.functions : concat(function.sends, function.topics)]),
    [for schedule in local.pipeline.schedules : schedule.topic],
  )

  topics = setunion(local.plain_topics, keys(local.dead_letters))

  # Whoever sends anything, sends it to ordinary topics; poison goes to the dead letters of its own
  # subscriptions.
  publishers = merge([
    for name, function in local.functions : {
      for topic in setunion(
        function.publishes_any ? local.plain_topics : toset(function.sends),
        [for letter, subscription in local.dead_letters : letter if local.subscriptions[subscription].function == name],
      ) : "${name}/${topic}" => { function = name, topic = topic }
    }
  ]...)

  dead_letter_pullers = merge([
    for name, function in local.functions : {
      for letter in keys(local.dead_letters) : "${name}/${letter}" => { function = name, subscription = letter }
    } if function.pulls_dead_letters
  ]...)

  alert_pullers = { for name, function in local.functions : name => function if function.pulls_alerts }

  # --- data ---------------------------------------------------------------------------------------

  schemas = { for file in fileset(local.schemas_folder, "*.json") : trimsuffix(file, ".json") =>
    jsondecode(file("${local.schemas_folder}/${file}"))
  }

  views = { for file in fileset(local.views_folder, "*.sql") : trimsuffix(file, ".sql") =>
    trimspace(file("${local.views_folder}/${file}"))
  }

  datasets = setunion(
    [for schema in local.schemas : schema.tableReference.datasetId],
    [local.pipeline.staging.dataset],
  )

  dataset_grants = merge([
    for name, function in local.functions : {
      for dataset, access in function.datasets : "${name}/${dataset}" => {
        function = name, dataset = dataset, role = local.dataset_roles[access]
      }
    }
  ]...)

  bucket_grants = merge([
    for name, function in local.functions : {
      for bucket, access in function.buckets : "${name}/${bucket}" => {
        function = name, bucket = bucket, role = local.bucket_roles[access]
      }
    }
  ]...)

  # What every function may write below a prefix of a bucket that it may not write to otherwise.
  prefix_grants = merge(flatten([
    for name, function in local.functions : [
      for bucket, prefixes in local.every.prefixes : {
        for prefix, access in prefixes : "${name}/${bucket}/${prefix}" => {
          function = name, bucket = bucket, prefix = prefix, role = local.bucket_roles[access]
        } if try(function.buckets[bucket], "none") != "write"
      }
    ]
  ])...)

  secret_grants = merge([
    for name, function in local.functions : {
      for secret in function.secrets : "${name}/${secret}" => { function = name, secret = secret }
    }
  ]...)

  secrets = toset(flatten([for function in local.functions : function.secrets]))

  # objectUser and not objectCreator for writing: pointers of the exports are overwritten, and a
  # repeated create-only write is answered with 412 (it is there already) only to those who may
  # write there.
  bucket_roles  = { read = "roles/storage.objectViewer", write = "roles/storage.objectUser" }
  dataset_roles = { read = "roles/bigquery.dataViewer", write = "roles/bigquery.dataEditor" }
}
