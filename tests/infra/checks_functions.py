"""Checks of the functions, their accounts and environment, and of who may do what in the project as
a whole.
"""

from __future__ import annotations

import json

from tests.infra.expected import PROJECT, RAW, REGION, Expected, accounts, differences
from tests.infra.terraform_runs import TerraformRun

EVERYBODY = ("allUsers", "allAuthenticatedUsers")
BASIC_ROLES = ("roles/owner", "roles/editor", "roles/viewer")
# Roles that cannot be given on anything smaller than the project; those with True are narrowed by a
# condition.
PROJECT_ROLES = {
    "roles/bigquery.jobUser": False,
    "roles/datastore.user": True,
    "roles/logging.logWriter": False,
    "roles/storage.objectViewer": True,
}
# All that the one role of our own allows.
OWN_ROLE = {"bigquery.jobs.get"}


def functions(run: TerraformRun, wanted: Expected) -> list[str]:
    """One function per entry of pipeline.yaml, with its limits, from one archive."""
    found = {}
    for values in run.all_of("google_cloudfunctions2_function"):
        build, service = values["build_config"][0], values["service_config"][0]
        found[values["name"]] = {
            "runtime": build["runtime"],
            "entry_point": build["entry_point"],
            "region": values["location"],
            "memory": service["available_memory"],
            "cpu": service["available_cpu"],
            "timeout": service["timeout_seconds"],
            "concurrency": service["max_instance_request_concurrency"],
            "instances": (service["min_instance_count"], service["max_instance_count"]),
            "ingress": service["ingress_settings"],
            "latest": service["all_traffic_on_latest_revision"],
        }
    asked = {
        wanted.slug(name): {
            "runtime": "python311",
            "entry_point": name,
            "region": REGION,
            "memory": f"{function.memory_mb}Mi",
            "cpu": str({**RAW["defaults"], **RAW["functions"][name]}["cpu"]),
            "timeout": function.timeout_seconds,
            "concurrency": function.concurrency,
            "instances": (function.min_instances, function.max_instances),
            "ingress": "ALLOW_ALL" if function.http else "ALLOW_INTERNAL_ONLY",
            "latest": True,
        }
        for name, function in wanted.pipeline.functions.items()
    }
    return differences("function", found, asked)


def archive(run: TerraformRun, wanted: Expected) -> list[str]:
    """Every function is built from the one object, which is named by its content."""
    (kept,) = run.all_of("google_storage_bucket_object")
    made = run.all_of("google_cloudfunctions2_function")
    sources = [values["build_config"][0]["source"][0]["storage_source"][0] for values in made]
    found = {(source["bucket"], source["object"]) for source in sources}
    return differences("source", found, {(wanted.bucket("source"), kept["name"])})


def environment(run: TerraformRun, wanted: Expected) -> list[str]:
    """What settings and runtime read from the environment, on every function; secrets as
    references; and who may do what, where people ask.
    """
    asked = dict(wanted.settings) | {
        "RUNTIME": "gcp",
        "PROJECT_ID": PROJECT,
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "RAW_BUCKET": wanted.bucket("raw"),
        "EXPORTS_BUCKET": wanted.bucket("exports"),
        "MODELS_BUCKET": wanted.bucket("models"),
        "DATASET_PREFIX": wanted.dataset_prefix,
        "NAME_PREFIX": wanted.prefix,
        "FIRESTORE_DATABASE": wanted.database,
        "BIGQUERY_LOCATION": REGION,
        "STATE_EPOCH": str(wanted.state_epoch),
        "LOG_EXECUTION_ID": "false",
    }
    roles = {
        "DASHBOARD_READERS": ",".join(sorted(wanted.readers)),
        "DASHBOARD_OPERATORS": ",".join(sorted(wanted.operators)),
        "DASHBOARD_AUDIENCES": ",".join(sorted(wanted.audiences)),
    }
    versions = dict(wanted.secret_versions)
    found = []
    for name, values in run.of("google_cloudfunctions2_function").items():
        service, function = values["service_config"][0], wanted.pipeline.functions[str(name)]
        own = {"FUNCTION_TIMEOUT_SECONDS": str(function.timeout_seconds)} | (roles if function.http else {})
        found += differences(f"{name} variable", service["environment_variables"], asked | own)
        have = {(s["key"], s["secret"], s["version"]) for s in service["secret_environment_variables"]}
        secrets = RAW["functions"][name].get("secrets", [])
        need = {(s.replace("-", "_").upper(), wanted.prefix + s, versions[s]) for s in secrets if s in versions}
        found += differences(f"{name} secret", have, need)
    return found


def own_accounts(run: TerraformRun, wanted: Expected) -> list[str]:
    """Each function runs as an account of its own, named after it."""
    emails = {values["email"]: values["account_id"] for values in run.all_of("google_service_account")}
    made = run.all_of("google_cloudfunctions2_function")
    found = {(v["name"], emails.get(v["service_config"][0]["service_account_email"])) for v in made}
    asked = {(wanted.slug(name), wanted.slug(name)) for name in wanted.pipeline.functions}
    builds = {v["build_config"][0]["service_account"] for v in made}
    (build,) = run.of("google_service_account", "build").values()
    return differences("account of", found, asked) + differences("build account", builds, {build["id"]})


def invokers(run: TerraformRun, wanted: Expected) -> list[str]:
    """Pub/Sub's account may call the functions that it pushes to, the named people may call and
    look up those that are asked by HTTP, and nobody else; Pub/Sub alone may sign in its account's
    name.
    """
    who = accounts(run)
    grants = run.all_of("google_cloud_run_service_iam_member")
    found = {(who.get(g["member"], g["member"]), g["role"], g["service"]) for g in grants}
    asked = {
        (member, role, wanted.slug(name))
        for name, function in wanted.pipeline.functions.items()
        for member in (wanted.people if function.http else {"push"})
        for role in ("roles/run.invoker", "roles/run.viewer")[: 1 + function.http]
    }
    (push,) = run.of("google_service_account", "push").values()
    signing = run.of("google_service_account_iam_member", "push_tokens").values()
    signs = {(who.get(g["member"], g["member"]), g["role"], g["service_account_id"]) for g in signing}
    token = {("pubsub-agent", "roles/iam.serviceAccountTokenCreator", push["name"])}
    return differences("invoker", found, asked) + differences("signer", signs, token)


def nothing_public(run: TerraformRun, wanted: Expected) -> list[str]:
    """Nobody without an account may do anything, but get exports (not list them) where that was
    asked for.
    """
    found = {
        (resource.type, resource.values["member"], resource.values.get("bucket"), resource.values["role"])
        for resource in run.resources
        if resource.values.get("member") in EVERYBODY
    }
    get = "roles/storage.legacyObjectReader"
    read = ("google_storage_bucket_iam_member", "allUsers", wanted.bucket("exports"), get)
    return differences("public", found, {read} if wanted.public_exports else set())


def least_privilege(run: TerraformRun, wanted: Expected) -> list[str]:
    """No basic role, no administrator; on the project only what cannot be given on less, to known
    accounts.
    """
    who = accounts(run)
    custom = {values["id"]: values["permissions"] for values in run.all_of("google_project_iam_custom_role")}
    found = [f"{role} may {permissions}" for role, permissions in custom.items() if set(permissions) != OWN_ROLE]
    for resource in run.resources:
        role = resource.values.get("role")
        if role is None or not resource.type.endswith(("_iam_member", "_iam_binding", "_iam_policy")):
            continue
        if role in BASIC_ROLES or "admin" in role.lower() or "owner" in role.lower():
            found.append(f"{resource.type}.{resource.name}: {role}")
        if not resource.type.endswith("_iam_member"):
            found.append(f"{resource.type}.{resource.name} takes grants away that it does not know")
        if resource.type == "google_project_iam_member":
            narrowed = False if role in custom else PROJECT_ROLES.get(role)
            if narrowed is None or narrowed is not bool(resource.values["condition"]):
                found.append(f"{role} on the project, condition {resource.values['condition']}")
        if resource.values["member"] not in (*who, *EVERYBODY, *wanted.people, *_runs_of_ci(run, wanted)):
            found.append(f"{resource.type}.{resource.name}: {resource.values['member']} is nobody we know")
    return found


def _runs_of_ci(run: TerraformRun, wanted: Expected) -> set[str]:
    """IAM members of the CI runs that may deploy, each by its whole subject."""
    pools = [values["name"] for values in run.all_of("google_iam_workload_identity_pool")]
    return {f"principal://iam.googleapis.com/{pool}/subject/{each}" for pool in pools for each in wanted.ci_subjects}


def deployers(run: TerraformRun, wanted: Expected) -> list[str]:
    """The named CI runs, and nobody else, may sign in as the account that deploys; without any,
    nothing is there.
    """
    accounts_made = run.of("google_service_account", "deploy").values()
    grants = run.of("google_service_account_iam_member", "ci").values()
    found = {(grant["member"], grant["role"], grant["service_account_id"]) for grant in grants}
    role = "roles/iam.workloadIdentityUser"
    asked = {(who, role, each["name"]) for who in _runs_of_ci(run, wanted) for each in accounts_made}
    providers = {
        (
            values["workload_identity_pool_id"],
            values["attribute_condition"],
            values["attribute_mapping"]["google.subject"],
        )
        for values in run.all_of("google_iam_workload_identity_pool_provider")
    }
    only = f"assertion.sub in {json.dumps(sorted(wanted.ci_subjects), separators=(',', ':'))}"
    wanted_providers = {(f"{wanted.prefix}nba-ci", only, "assertion.sub")} if wanted.ci_subjects else set()
    count = differences("deploying accounts", len(accounts_made), 1 if wanted.ci_subjects else 0)
    return differences("deployer", found, asked) + differences("provider", providers, wanted_providers) + count


def audit(run: TerraformRun, wanted: Expected) -> list[str]:
    """Reads and writes of buckets, secrets and the state are logged, unless another environment's
    root says so.
    """
    found = {
        (values["service"], tuple(sorted(each["log_type"] for each in values["audit_log_config"])))
        for values in run.all_of("google_project_iam_audit_config")
    }
    # Firestore's data access is configured under the name of Datastore.
    names = ("datastore", "secretmanager", "storage") if wanted.audited else ()
    return differences("audit", found, {(f"{name}.googleapis.com", ("DATA_READ", "DATA_WRITE")) for name in names})


def build_source(run: TerraformRun, wanted: Expected) -> list[str]:
    """Builds read two buckets, and none whose name merely begins like one of these."""
    (grant,) = run.of("google_project_iam_member", "build_source").values()
    (project,) = run.all_of("google_project")
    places = [
        f"projects/_/buckets/{bucket}"
        for bucket in (wanted.bucket("source"), f"gcf-v2-sources-{project['number']}-{REGION}")
    ]
    asked = " || ".join(f'resource.name == "{each}" || resource.name.startsWith("{each}/")' for each in places)
    return differences("build source", grant["condition"][0]["expression"], asked)


def services(run: TerraformRun, wanted: Expected) -> list[str]:
    """Every service whose resources are made is switched on, and stays on when this deployment
    goes.
    """
    on = {values["service"].removesuffix(".googleapis.com") for values in run.all_of("google_project_service")}
    used = {
        "google_artifact_registry": "artifactregistry",
        "google_bigquery": "bigquery",
        "google_billing": "billingbudgets",
        "google_cloud_run": "run",
        "google_cloud_scheduler": "cloudscheduler",
        "google_cloudfunctions2": "cloudfunctions",
        "google_firestore": "firestore",
        "google_iam_workload": "sts",
        "google_logging": "logging",
        "google_monitoring": "monitoring",
        "google_pubsub": "pubsub",
        "google_secret_manager": "secretmanager",
        "google_service_account": "iam",
        "google_storage": "storage",
    }
    types = {resource.type for resource in run.resources}
    needed = {service for start, service in used.items() if any(type_.startswith(start) for type_ in types)}
    needed |= {"cloudbuild", "cloudresourcemanager", "iamcredentials"}
    kept = [v["service"] for v in run.all_of("google_project_service") if v["disable_on_destroy"] is not False]
    return differences("service", on, needed) + [f"{service} would be switched off for everybody" for service in kept]
