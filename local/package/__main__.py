"""`make package`: builds build/functions.zip and says what it is. Exit codes: 0 done, 1 failed."""

from __future__ import annotations

import sys

from local.console.exit_codes import DONE, FAILED
from local.console.lines import complain, say
from local.package.archive import ARCHIVE, ROOT, write
from shared.core.errors import DataError


def main() -> int:
    """Build the archive of this project; the reason of a failure is one sentence on standard
    error.
    """
    try:
        package = write(ROOT)
    except (DataError, OSError) as error:
        complain(f"Failed: {error}")
        return FAILED
    say(f"{ARCHIVE.as_posix()}: {package.files} files, {package.size:,} bytes, sha256 {package.sha256}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
