"""`make destroy ENV=dev STATE_BUCKET=...`: take an environment away, with all its data.

Refused for prod.

Terraform shows what goes and asks; AUTO_APPROVE=1 answers for it (a throwaway project in CI).
Standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local.cloud.terraform import command, name_of, plan_arguments, prepare, variables
from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.console.lines import complain, say
from local.package.archive import ARCHIVE, ROOT
from shared.core.errors import PipelineError

PROD = "prod"


class NotDestroyed(PipelineError):
    """The environment is one that this command does not take away."""


def check(root: Path, environment: Mapping[str, str]) -> None:
    """Raises NotDestroyed for prod under whatever name, and for what is protected; Fatal without
    its variables.
    """
    name = name_of(environment)
    if name.lower() == PROD:
        raise NotDestroyed(
            "ENV=prod is never destroyed by a command.", next_step="name another: make destroy ENV=dev STATE_BUCKET=..."
        )
    if not environment.get("STATE_BUCKET"):
        raise NotDestroyed(
            "STATE_BUCKET is not set.",
            next_step=f"make destroy ENV={name} STATE_BUCKET=my-project-nba-terraform.",
        )
    found = variables(root, environment)
    # the variable's own default is prod
    called = found.get("environment", PROD)
    if called.lower() == PROD:
        raise NotDestroyed(
            f"{name}.tfvars says environment = {called!r}: it is prod's under another name.",
            next_step="destroy what has another environment in its variables.",
        )
    if found.get("deletion_protection", "true") != "false":
        raise NotDestroyed(
            f"{name}.tfvars does not say deletion_protection = false: tables and buckets would refuse half-way.",
            next_step=f"write it to {name}.tfvars, make plan and make apply ENV={name}, then destroy.",
        )


def destroy(root: Path, environment: Mapping[str, str]) -> int:
    """Show what goes, ask, and take it away; Terraform's exit code."""
    prepare(root, environment)
    approved = ["-auto-approve"] if environment.get("AUTO_APPROVE") == "1" else []
    arguments = [each for each in plan_arguments(environment) if each != "-input=false" or approved]
    # The archive is hashed even when it goes; any file does where none was packed.
    archive = root / ARCHIVE
    settings = dict(environment)
    settings.setdefault("TF_VAR_archive", str(archive if archive.is_file() else root / "pipeline.yaml"))
    line = [*command(root, environment), "destroy", *arguments, *approved]
    return subprocess.run(line, cwd=root, env=settings, check=False).returncode


def main() -> int:
    """Exit 0 gone, 1 Terraform failed or was told no, 2 refused."""
    try:
        check(ROOT, os.environ)
    except PipelineError as error:
        complain(error)
        return WRONG_INPUT
    try:
        code = destroy(ROOT, os.environ)
    except (PipelineError, OSError) as error:
        complain(error)
        return FAILED
    if code:
        complain(f"terraform destroy ended with {code}; what is left is in its state.")
        return FAILED
    name = name_of(os.environ)
    say(f"{name} is gone. Made again in the same project it takes the next state_epoch (docs/deploy.md, 3).")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
