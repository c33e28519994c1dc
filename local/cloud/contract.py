"""`make contract PROJECT_ID=...

NAME_PREFIX=ct-`: the ports' contract suites on a throwaway project of Google Cloud.

They make topics, a bucket, datasets and a Firestore database whose names begin with the prefix, and
take them away again. The emulators have gaps (tests/contract/known_gaps.py); the service has none,
so here no failure is expected.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping

from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.console.lines import complain, say
from local.package.archive import ROOT
from shared.core.errors import ConfigError

PREFIX = re.compile(r"ct-([a-z][a-z0-9]{0,7}-)?")
IMPLEMENTATIONS = "pubsub or firestore or storage or bigquery"
# They would send the clients elsewhere, and the suites would pass there.
EMULATORS = ("BIGQUERY_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "STORAGE_EMULATOR_HOST")


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What the suites read.

    Raises ConfigError without a project, for another prefix, where an emulator is named.
    """
    project, prefix = environment.get("PROJECT_ID", ""), environment.get("NAME_PREFIX", "")
    if not re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", project):
        raise ConfigError(
            f"PROJECT_ID={project!r} is no project's id. Next: make contract PROJECT_ID=... NAME_PREFIX=ct-."
        )
    if not PREFIX.fullmatch(prefix):
        raise ConfigError(
            f"NAME_PREFIX={prefix!r} is none of a throwaway: what the suites make has to be told from what runs. "
            "Next: NAME_PREFIX=ct-, or ct-me-."
        )
    named = [name for name in EMULATORS if environment.get(name)]
    if named:
        raise ConfigError(f"{', '.join(named)} would send the suites to an emulator. Next: unset it.")
    return {"CONTRACT_PROJECT": project, "CONTRACT_PREFIX": prefix, "CONTRACT_TABLE": "1"}


def main() -> int:
    """Exit 0 every suite passed, 1 one did not, 2 wrong input."""
    try:
        given = settings(os.environ)
    except ConfigError as error:
        complain(error)
        return WRONG_INPUT
    say(f"Makes {given['CONTRACT_PREFIX']}... in {given['CONTRACT_PROJECT']}, and takes it away again.")
    suites = sorted(str(path) for path in (ROOT / "tests" / "contract").glob("test_*_contract.py"))
    line = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-k", IMPLEMENTATIONS, *suites]
    done = subprocess.run(line, cwd=ROOT, env={**os.environ, **given}, check=False)
    return FAILED if done.returncode else DONE


if __name__ == "__main__":
    sys.exit(main())
