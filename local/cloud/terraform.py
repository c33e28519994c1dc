"""Terraform as the commands of this room call it: one root, an environment's variables and its
state. Standard library only.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from shared.core.errors import Fatal

FOLDER = Path("infra") / "terraform"


class NoVariables(Fatal):
    """The environment has no tfvars."""


def command(root: Path, environment: Mapping[str, str]) -> list[str]:
    """The command line up to its subcommand; TERRAFORM names another program."""
    named = environment.get("TERRAFORM") or "terraform"
    program = str(root / named) if "/" in named and not Path(named).is_absolute() else named
    return [program, f"-chdir={root / FOLDER}"]


def name_of(environment: Mapping[str, str]) -> str:
    """ENV, prod where it is not set."""
    return environment.get("ENV") or "prod"


def plan_arguments(environment: Mapping[str, str]) -> list[str]:
    return ["-input=false", f"-var-file={name_of(environment)}.tfvars"]


def variables(root: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The plain values of the environment's tfvars, without quotes.

    Raises NoVariables where the file is missing.
    """
    path = root / FOLDER / f"{name_of(environment)}.tfvars"
    if not path.is_file():
        raise NoVariables(
            f"There is no {path.name}.", next_step=f"copy infra/terraform/{path.name}.example and fill it in."
        )
    pairs = re.findall(r'^[ \t]*(\w+)[ \t]*=[ \t]*("[^"\n]*"|[\w.-]+)', path.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: value.strip('"') for name, value in pairs}


def prepare(root: Path, environment: Mapping[str, str]) -> None:
    """terraform init on the environment's state.

    Raises Fatal where it fails (it says why itself).
    """
    backend = {"bucket": environment.get("STATE_BUCKET", ""), "prefix": name_of(environment)}
    options = [f"-backend-config={name}={value}" for name, value in backend.items()]
    line = [*command(root, environment), "init", "-input=false", "-reconfigure", *options]
    done = subprocess.run(line, cwd=root, env=dict(environment), check=False)
    if done.returncode:
        raise Fatal(f"terraform init ended with {done.returncode}.", next_step="see what it says above.")
