"""Where a deployed pipeline lies: what the tfvars of an environment say of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from local.cloud.terraform import name_of, variables
from shared.core.errors import ConfigError

# What a deployed pipeline is found by: setting, variable of the environment's tfvars, the
# variable's default.
_PLACES = (
    ("PROJECT_ID", "project_id", ""),
    ("NAME_PREFIX", "name_prefix", ""),
    ("DATASET_PREFIX", "dataset_prefix", ""),
    ("FIRESTORE_DATABASE", "firestore_database", "(default)"),
    ("BIGQUERY_LOCATION", "region", "us-central1"),
)


def places(root: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Where the environment of ENV lies, as its tfvars say: what is published and what is planned
    are one deployment.

    Raises ConfigError where a setting says otherwise, Fatal without the file.
    """
    found = variables(root, environment)
    deployed = {setting: found.get(variable, usual) for setting, variable, usual in _PLACES}
    for setting, value in deployed.items():
        given = environment.get(setting)
        if given and given != value:
            raise ConfigError(
                f"{setting}={given}, and {name_of(environment)}.tfvars deploys {value!r}. Next: name the ENV meant."
            )
    return deployed
