"""Checks of datasets, tables, views, the state database, buckets and secrets, and of who may touch
them.
"""

from __future__ import annotations

import json
from typing import Any

from shared.stores.warehouse.schemas import DATASETS, SCHEMA_FOLDER, all_views
from shared.stores.warehouse.sql import with_prefix
from tests.infra.expected import PROJECT, RAW, REGION, Expected, accounts, differences
from tests.infra.terraform_runs import TerraformRun

DAY_MS, DAY_S = 86_400_000, 86_400
API_TYPES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}
DATASET_ROLES = {"read": "roles/bigquery.dataViewer", "write": "roles/bigquery.dataEditor"}
BUCKET_ROLES = {"read": "roles/storage.objectViewer", "write": "roles/storage.objectUser"}


def datasets(run: TerraformRun, wanted: Expected) -> list[str]:
    """All of them, in one region; of the staging dataset alone the tables expire."""
    staging = RAW["staging"]
    found = {
        values["dataset_id"]: (values["location"], values["default_table_expiration_ms"])
        for values in run.all_of("google_bigquery_dataset")
    }
    asked = {
        wanted.dataset_prefix + name: (REGION, staging["expire_days"] * DAY_MS if name == staging["dataset"] else None)
        for name in DATASETS
    }
    return differences("dataset", found, asked)


def _table(resource: dict[str, Any], wanted: Expected) -> dict[str, Any]:
    """A schema file as the table that it should become."""
    key = resource.get("tableConstraints", {}).get("primaryKey", {}).get("columns", [])
    modes = {field["name"]: field.get("mode", "NULLABLE") for field in resource["schema"]["fields"]}
    if any(modes[name] != "REQUIRED" for name in key):
        key = []  # BigQuery believes a key, and one with NULL in it is none
    partitioning = resource.get("timePartitioning")
    return {
        "description": resource["description"],
        "columns": [
            (
                field["name"],
                API_TYPES.get(field["type"], field["type"]),
                field.get("mode", "NULLABLE"),
                field.get("description", ""),
            )
            for field in resource["schema"]["fields"]
        ],
        "partitioned": [(partitioning["type"], partitioning["field"], None)] if partitioning else [],
        "requires_filter": resource.get("requirePartitionFilter", False),
        "clustering": resource.get("clustering", {}).get("fields"),
        "key": [key] if key else [],
        "protected": wanted.protected,
    }


def tables(run: TerraformRun, wanted: Expected) -> list[str]:
    """One table per schema file, as the file says."""
    found = {}
    for values in run.of("google_bigquery_table", "table").values():
        found[f"{values['dataset_id']}.{values['table_id']}"] = {
            "description": values["description"],
            "columns": [(f["name"], f["type"], f["mode"], f["description"]) for f in json.loads(values["schema"])],
            "partitioned": [(p["type"], p["field"], p["expiration_ms"] or None) for p in values["time_partitioning"]],
            "requires_filter": values["require_partition_filter"],
            "clustering": values["clustering"],
            "key": [c["primary_key"][0]["columns"] for c in values["table_constraints"]],
            "protected": values["deletion_protection"],
        }
    asked = {}
    for path in SCHEMA_FOLDER.glob("*.json"):
        asked[wanted.dataset_prefix + path.stem] = _table(json.loads(path.read_text(encoding="utf-8")), wanted)
    return differences("table", found, asked)


def views(run: TerraformRun, wanted: Expected) -> list[str]:
    """One view per SQL file, reading the environment's own datasets."""
    found = {}
    for values in run.of("google_bigquery_table", "view").values():
        (view,) = values["view"]
        found[f"{values['dataset_id']}.{values['table_id']}"] = (view["query"], view["use_legacy_sql"])
    prefix = wanted.dataset_prefix
    asked = {prefix + name: (with_prefix(sql, prefix).strip(), False) for name, sql in all_views()}
    return differences("view", found, asked)


def dataset_grants(run: TerraformRun, wanted: Expected) -> list[str]:
    """Each function reads and writes the datasets that pipeline.yaml says, and may run jobs."""
    who = accounts(run)
    grants = run.all_of("google_bigquery_dataset_iam_member")
    names = {values["id"]: values["dataset_id"] for values in run.all_of("google_bigquery_dataset")}
    found = {(who.get(g["member"], g["member"]), names.get(g["dataset_id"]), g["role"]) for g in grants}
    asked = {
        (name, wanted.dataset_prefix + dataset, DATASET_ROLES[access])
        for name, function in wanted.pipeline.functions.items()
        for dataset, access in wanted.datasets(function).items()
    }
    (reader,) = run.all_of("google_project_iam_custom_role")
    jobs = [g for name in ("bigquery_jobs", "job_reader") for g in run.of("google_project_iam_member", name).values()]
    runs = {(who.get(g["member"], g["member"]), g["role"]) for g in jobs}
    runners = {(name, role) for name in wanted.pipeline.functions for role in ("roles/bigquery.jobUser", reader["id"])}
    return differences("dataset grant", found, asked) + differences("job grant", runs, runners)


def state(run: TerraformRun, wanted: Expected) -> list[str]:
    """The database with its way back; functions may use it and no other; backups."""
    (database,) = run.all_of("google_firestore_database")
    asked = {
        "name": wanted.database,
        "type": "FIRESTORE_NATIVE",
        "location_id": REGION,
        "point_in_time_recovery_enablement": "POINT_IN_TIME_RECOVERY_ENABLED",
        "delete_protection_state": f"DELETE_PROTECTION_{'ENABLED' if wanted.protected else 'DISABLED'}",
    }
    found = differences("database", {key: database[key] for key in asked}, asked)
    (backup,) = run.all_of("google_firestore_backup_schedule")
    daily = (backup["database"], backup["retention"], len(backup["daily_recurrence"]))
    found += differences("backup", daily, (wanted.database, f"{14 * DAY_S}s", 1))
    who = accounts(run)
    grants = run.of("google_project_iam_member", "state").values()
    have = {(who.get(g["member"], g["member"]), g["role"], g["condition"][0]["expression"]) for g in grants}
    only = f'resource.name == "projects/{PROJECT}/databases/{wanted.database}"'
    need = {(name, "roles/datastore.user", only) for name in wanted.pipeline.functions}
    return found + differences("state grant", have, need)


def collections(run: TerraformRun, wanted: Expected) -> list[str]:
    """Indexes, fields without an index and fields that let documents expire, as pipeline.yaml
    says.
    """
    about = RAW["collections"]
    indexes = {
        (v["collection"], tuple((field["field_path"], field["order"]) for field in v["fields"]))
        for v in run.all_of("google_firestore_index")
    }
    asked = {
        (name, tuple((field, "ASCENDING") for field in fields))
        for name, each in about.items()
        for fields in each.get("indexes", [])
    }
    plain = {(v["collection"], v["field"]) for v in run.of("google_firestore_field", "unindexed").values()}
    unindexed = {(name, field) for name, each in about.items() for field in each.get("unindexed", [])}
    expiring = {
        (v["collection"], v["field"], len(v["ttl_config"]))
        for v in run.of("google_firestore_field", "expiring").values()
    }
    expires = {(name, each["expires"], 1) for name, each in about.items() if each.get("expires")}
    still = {
        (v["collection"], v["field"])
        for v in run.all_of("google_firestore_field")
        if [len(config["indexes"]) for config in v["index_config"]] != [0]
    }
    return [
        *differences("index", indexes, asked),
        *differences("field without index", plain, unindexed),
        *differences("expiring field", expiring, expires),
        *differences("field with index after all", still, set()),
    ]


def buckets(run: TerraformRun, wanted: Expected) -> list[str]:
    """Private, but the exports where asked, for pages to read; raw unchangeable; exports and models
    versioned.
    """
    found = {
        values["name"]: {
            "uniform": values["uniform_bucket_level_access"],
            "public": values["public_access_prevention"],
            "versioned": [each["enabled"] for each in values["versioning"]],
            "retention": [each["retention_period"] for each in values["retention_policy"]],
            "pages": [(each["origin"], each["method"], each["response_header"]) for each in values["cors"]],
        }
        for values in run.of("google_storage_bucket", "bucket").values()
    }
    pages = (list(wanted.exports_origins), ["GET", "HEAD"], ["Content-Type", "ETag"])
    kept = [str(wanted.raw_retention_days * DAY_S)] if wanted.raw_retention_days else []
    asked = {
        wanted.bucket(use): {
            "uniform": True,
            "public": "inherited" if use == "exports" and wanted.public_exports else "enforced",
            "versioned": [use != "raw"],
            "retention": kept if use == "raw" else [],
            "pages": [pages] if use == "exports" and wanted.public_exports else [],
        }
        for use in ("raw", "exports", "models")
    }
    return differences("bucket", found, asked)


def bucket_grants(run: TerraformRun, wanted: Expected) -> list[str]:
    """Each function reads and writes the buckets that pipeline.yaml says, and everybody below held/
    of the raw one.
    """
    who = accounts(run)
    names = {values["id"]: values["name"] for values in run.of("google_storage_bucket", "bucket").values()}
    found = set()
    for name in ("function", "prefix"):
        for g in run.of("google_storage_bucket_iam_member", name).values():
            only = g["condition"][0]["expression"] if g["condition"] else None
            found.add((who.get(g["member"], g["member"]), names.get(g["bucket"]), g["role"], only))
    asked: set[tuple[str, str | None, str, str | None]] = set()
    for name, function in wanted.pipeline.functions.items():
        for use, access in function.buckets.items():
            asked.add((name, wanted.bucket(use), BUCKET_ROLES[access], None))
        for use, prefixes in RAW["every_function"]["prefixes"].items():
            for prefix, access in prefixes.items():
                only = f'resource.name.startsWith("projects/_/buckets/{wanted.bucket(use)}/objects/{prefix}")'
                if function.buckets.get(use) != "write":
                    asked.add((name, wanted.bucket(use), BUCKET_ROLES[access], only))
    return differences("bucket grant", found, asked)


def secrets(run: TerraformRun, wanted: Expected) -> list[str]:
    """Secrets without values, each read by the functions that pipeline.yaml names."""
    who = accounts(run)
    ids = {values["id"]: values["secret_id"] for values in run.all_of("google_secret_manager_secret")}
    grants = run.all_of("google_secret_manager_secret_iam_member")
    found = {(who.get(g["member"], g["member"]), ids.get(g["secret_id"]), g["role"]) for g in grants}
    functions = RAW["functions"].items()
    asked = {
        (name, wanted.prefix + secret, "roles/secretmanager.secretAccessor")
        for name, function in functions
        for secret in function.get("secrets", [])
    }
    values = [f"{v['secret']} has its value in the state" for v in run.all_of("google_secret_manager_secret_version")]
    return differences("secret grant", found, asked) + values
