"""`make audit`: the locked packages against what is known of weaknesses, as pip-audit finds it.

ADVISORIES names who is asked: pypi (usual) or osv. An index may have the packages and no
advisories: pip-audit then skips each package and says that it found nothing. What was skipped was
not audited, and is reported as that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.console.exit_codes import DONE, FAILED, WITH_GAPS, WRONG_INPUT
from local.console.lines import complain, say
from local.package.archive import ROOT

SERVICES = ("pypi", "osv")
_OPTIONS = ("--no-deps", "--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json")


@dataclass(frozen=True)
class Report:
    """One lock: how many packages were looked up, the weaknesses as lines, and why others were not
    looked up.
    """

    audited: int
    found: tuple[str, ...]
    skipped: tuple[str, ...]


def report(answer: str, errors: str) -> Report:
    """What pip-audit printed, as JSON on standard output; anything else there means that nobody
    could be asked.
    """
    try:
        dependencies: list[Mapping[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (errors.strip().splitlines() or ["pip-audit printed nothing"])[-1]
        return Report(0, (), (last[-300:],))
    found = [
        f"{each['name']} {each['version']}: {known['id']}, mended in {', '.join(known['fix_versions']) or 'no release'}"
        for each in dependencies
        for known in each.get("vulns", ())
    ]
    skipped = [f"{each['name']}: {each['skip_reason']}" for each in dependencies if "skip_reason" in each]
    return Report(len(dependencies) - len(skipped), tuple(found), tuple(skipped))


def audit(program: str, lock: Path, service: str) -> Report:
    """Ask about each package of a lock."""
    line = [program, "--requirement", str(lock), *_OPTIONS, "--vulnerability-service", service]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    return report(done.stdout, done.stderr)


def conclude(reports: Mapping[str, Report], service: str) -> tuple[int, list[str]]:
    """The exit code and the lines to print: found outweighs what could not be looked up."""
    lines = []
    for name, each in reports.items():
        lines.append(
            f"{name}: {each.audited} audited, {len(each.found)} known weaknesses, {len(each.skipped)} not audited"
        )
        lines += [f"  {line}" for line in each.found]
    skipped = [line for each in reports.values() for line in each.skipped]
    if skipped:
        audited = sum(each.audited for each in reports.values())
        lines.append(
            f"NOT AUDITED: {service} answered for {audited} packages and not for others, the first: {skipped[0]}. "
            f"Next: run it where the advisories are reached, or ADVISORIES={'osv' if service == 'pypi' else 'pypi'}."
        )
    if any(each.found for each in reports.values()):
        return FAILED, lines
    return (WITH_GAPS if skipped else DONE), lines


def main(arguments: Sequence[str]) -> int:
    """Exit 0 nothing is known of any package, 1 something is, 2 wrong input, 3 not all could be
    looked up.
    """
    service = os.environ.get("ADVISORIES") or SERVICES[0]
    if service not in SERVICES:
        complain(f"ADVISORIES={service!r} is none of {', '.join(SERVICES)}.")
        return WRONG_INPUT
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    code, lines = conclude({lock.name: audit(arguments[0], lock, service) for lock in locks}, service)
    say("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
