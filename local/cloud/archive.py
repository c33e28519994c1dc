"""Which archive a plan deploys: prints its path under a name that is its content, and holds it to
ARCHIVE_SHA256.

build/functions.zip, or what TF_VAR_archive names, is copied to build/functions-SHA256.zip. So what
`make apply` uploads is what `make plan` hashed, whatever was packed in between. ARCHIVE_SHA256
promotes one archive from an environment to the next: another one is refused. Standard library only:
a machine that just deploys needs no package.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.console.lines import complain, say
from local.package.archive import ARCHIVE, ROOT
from shared.core.errors import DataError


def find_promoted(root: Path, environment: Mapping[str, str]) -> Path:
    """The archive under its content's name.

    Raises DataError where it is not there or not the one asked for.
    """
    named = environment.get("TF_VAR_archive")
    # relative to Terraform's folder, as the variable says
    path = root / "infra" / "terraform" / named if named else root / ARCHIVE
    if not path.is_file():
        raise DataError(f"There is no archive {path}.", next_step="make package, or correct TF_VAR_archive.")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    wanted = environment.get("ARCHIVE_SHA256", "").lower()
    if wanted and not re.fullmatch(r"[0-9a-f]{64}", wanted):
        raise DataError(
            f"ARCHIVE_SHA256={wanted} is no SHA-256 of 64 hexadecimal digits.",
            next_step="copy it from `make plan` of the environment where the archive was tried.",
        )
    if wanted and wanted != found:
        raise DataError(
            f"The archive {path} is {found}, not {wanted}.",
            next_step="check out the commit that was tried (the same tree gives the same bytes), or fetch "
            f"functions-{wanted}.zip from that environment's source bucket and name it in TF_VAR_archive.",
        )
    kept = (root / ARCHIVE).parent / f"functions-{found}.zip"
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not kept.is_file() or kept.read_bytes() != data:
        kept.write_bytes(data)
    return kept.resolve()


def main() -> int:
    """Exit 0 printed, 1 not the archive asked for, 2 a hash that is none."""
    try:
        path = find_promoted(ROOT, os.environ)
    except DataError as error:
        complain(error)
        return WRONG_INPUT if "is no SHA-256" in str(error) else FAILED
    say(path)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
