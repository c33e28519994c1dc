"""What pipeline.yaml and the schema files ask of a deployment, in the names that it has on Google
Cloud.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from shared.core.pipeline import PIPELINE_FILE, FunctionSpec, Pipeline, load_pipeline
from tests.infra.terraform_runs import TerraformRun

PROJECT = "demo-project"
REGION = "us-central1"
RAW: dict[str, Any] = yaml.safe_load(PIPELINE_FILE.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Expected:
    """A deployment that should be: the pipeline with the prefixes of an environment."""

    prefix: str = ""
    dataset_prefix: str = ""
    database: str = "(default)"
    protected: bool = True
    raw_retention_days: int = 365
    public_exports: bool = False
    exports_origins: tuple[str, ...] = ("*",)
    channels: int = 0
    secret_versions: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    state_epoch: int = 1
    audited: bool = True
    ci_subjects: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    # gcloud's own client: what a person's token from gcloud is made for.
    audiences: tuple[str, ...] = ("32555940559.apps.googleusercontent.com",)

    @property
    def pipeline(self) -> Pipeline:
        return load_pipeline()

    def slug(self, function: str) -> str:
        return self.prefix + function.replace("_", "-")

    def bucket(self, use: str) -> str:
        return f"{PROJECT}-{self.prefix}nba-{use}"

    @property
    def people(self) -> set[str]:
        """IAM members of all who may open the dashboard."""
        return {f"user:{email}" for email in (*self.readers, *self.operators)}

    @property
    def alerts(self) -> dict[str, dict[str, Any]]:
        """The alerts of pipeline.yaml, but those about a function that it does not have."""
        there = {None, *RAW["functions"]}
        return {name: about for name, about in RAW["alerts"].items() if about.get("function") in there}

    def plain_topics(self) -> set[str]:
        letters = {s.dead_letter_topic for s in self.pipeline.subscriptions.values()}
        return set(self.pipeline.topics) - letters

    def sends(self, function: FunctionSpec) -> set[str]:
        """Topics it may publish to: its own, its subscriptions' dead letters, and all where it
        sends for others.
        """
        own = {s.dead_letter_topic for s in function.subscriptions}
        return own | (self.plain_topics() if function.publishes_any else set(function.sends))

    def datasets(self, function: FunctionSpec) -> dict[str, str]:
        """Dataset -> read or write, what every function touches included."""
        found = dict(function.datasets)
        for dataset, access in RAW["every_function"]["datasets"].items():
            found[dataset] = "write" if "write" in (access, found.get(dataset)) else "read"
        return found


def accounts(run: TerraformRun) -> dict[str, str]:
    """IAM member -> who it is: a function's name, push, build, or pubsub-agent."""
    found = {values["member"]: str(key) for key, values in run.of("google_service_account", "function").items()}
    for name in ("push", "build"):
        found |= {values["member"]: name for values in run.of("google_service_account", name).values()}
    number = run.of("google_project")[None]["number"]
    return found | {f"serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com": "pubsub-agent"}


def differences(what: str, found: object, wanted: object) -> list[str]:
    """Sentences on how what was found differs from what is wanted: sets and maps item by item."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return [
            f"{what} {key}: {found.get(key, 'absent')!r}, not {wanted.get(key, 'absent')!r}"
            for key in sorted({*found, *wanted}, key=str)
            if found.get(key, "absent") != wanted.get(key, "absent")
        ]
    if isinstance(found, set) and isinstance(wanted, set):
        return [f"{what}: {item} is too much" for item in sorted(found - wanted, key=str)] + [
            f"{what}: {item} is missing" for item in sorted(wanted - found, key=str)
        ]
    return [] if found == wanted else [f"{what}: {found!r}, not {wanted!r}"]
