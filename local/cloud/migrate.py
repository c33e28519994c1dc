"""`make migrate (ENV=prod)`: brings the tables and models of a release before to what is declared
now.

It changes rows that functions of before would go on writing, so the pipeline has to be paused. Each
statement is said before it runs. It may be run again at any time: what is done already is left.
"""

from __future__ import annotations

import os
import sys

from local.cloud.deployment import places
from local.cloud.terraform import NoVariables
from local.console.command import run_command
from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.console.lines import complain, say
from local.host import deployed
from local.package.archive import ROOT
from shared.chain.resilience import pause_switch
from shared.core.errors import ConfigError, Fatal, PipelineError
from shared.science.model_registry.migrate import migrate_models
from shared.stores.runtime import Runtime, open_deployed_runtime
from shared.stores.warehouse import migration


class NotPaused(Fatal):
    """Functions of before are at work."""


def migrate(runtime: Runtime) -> int:
    """Do what is still to be done; returns the number of statements and of objects written. Raises
    NotPaused, and what the ports raise.
    """
    switch = pause_switch.read(runtime.state)
    if switch is None or not switch.paused:
        raise NotPaused(
            "The pipeline is not paused: functions of the release before would write rows of the old form.",
            next_step='./nba pause --why "migration", wait until nothing runs (./nba runs), then this again.',
        )
    done = migration.migrate(runtime.warehouse, say)
    copied = migrate_models(runtime.models)
    for path in copied:
        say(path)
    return done + len(copied)


def main() -> int:
    """Exit 0 all of it is done, 1 it is not, 2 wrong input."""
    try:
        environment = {**os.environ, "RUNTIME": "gcp", **places(ROOT, os.environ)}
        done = migrate(open_deployed_runtime(deployed.settings(environment)))
    except (ConfigError, NoVariables) as error:
        complain(error)
        return WRONG_INPUT
    except (PipelineError, OSError) as error:
        complain(error)
        return FAILED
    say(f"{done} statements ran and objects were written." if done else "There was nothing to migrate.")
    return DONE


if __name__ == "__main__":
    sys.exit(run_command(main, then="Next: the same command again; it goes on."))
