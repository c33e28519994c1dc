"""What starting an entry point costs: a fresh interpreter loads it from the archive as Cloud
Functions does.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from local.package.environment import outside
from shared.core.errors import Fatal

LAST_OF_FRAMEWORK = "functions_framework._http.gunicorn"
# Runs in the clean environment, in the archive's folder; the target's name is its argument.
PROBE = f"""
from time import perf_counter
begun = perf_counter()
import json, sys
import functions_framework, {LAST_OF_FRAMEWORK}
framework = perf_counter()
before = set(sys.modules)
functions_framework.create_app(target=sys.argv[1], source="main.py")
ended = perf_counter()
try:
    with open("/proc/self/status", encoding="ascii") as status:
        (peak,) = [int(line.split()[1]) for line in status if line.startswith("VmHWM:")]
except FileNotFoundError:
    peak = None
print(json.dumps({{
    "framework_ms": (framework - begun) * 1000,
    "entry_point_ms": (ended - framework) * 1000,
    "peak_kib": peak,
    "modules": sorted(set(sys.modules) - before),
}}))
"""
IMPORT_TIME = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)")
MIB = 1024 * 1024


@dataclass(frozen=True)
class Start:
    """A start: milliseconds of importing the framework and then the entry point, peak memory in MiB
    (None where the system does not tell: Linux does), and the modules that the entry point loaded
    beyond the framework's.
    """

    framework_ms: float
    entry_point_ms: float
    peak_mib: float | None
    modules: frozenset[str]

    @property
    def packages(self) -> frozenset[str]:
        """The top-level names of the modules."""
        return frozenset(name.partition(".")[0] for name in self.modules)


def start(python: Path, archive: Path, name: str) -> Start:
    """Load an entry point of an unpacked archive once.

    Raises Fatal with what Python said where it does not load.
    """
    found = json.loads(_probe(python, archive, name).stdout)
    return Start(
        framework_ms=found["framework_ms"],
        entry_point_ms=found["entry_point_ms"],
        peak_mib=found["peak_kib"] and found["peak_kib"] / 1024,
        modules=frozenset(found["modules"]),
    )


def typical(starts: Sequence[Start]) -> Start:
    """The median of each figure of several starts of the same entry point, with the modules of the
    last.
    """
    peaks = [each.peak_mib for each in starts if each.peak_mib is not None]
    return Start(
        framework_ms=median(each.framework_ms for each in starts),
        entry_point_ms=median(each.entry_point_ms for each in starts),
        peak_mib=median(peaks) if peaks else None,
        modules=starts[-1].modules,
    )


def offenders(python: Path, archive: Path, name: str) -> list[tuple[str, float]]:
    """Milliseconds by top-level package that importing the entry point takes itself, the longest
    first.

    Python's own accounting (-X importtime) slows imports down: the shares say more than the sums.
    """
    lines = _probe(python, archive, name, "-X", "importtime").stderr.splitlines()
    found = [(match[2], int(match[1])) for line in lines if (match := IMPORT_TIME.match(line))]
    framework = [module for module, _ in found].index(LAST_OF_FRAMEWORK)
    spent: Counter[str] = Counter()
    for module, microseconds in found[framework + 1 :]:
        spent[module.partition(".")[0]] += microseconds
    return [(package, microseconds / 1000) for package, microseconds in spent.most_common()]


def _probe(python: Path, archive: Path, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    # -P: as in a deployment, the archive is found where the framework appends it, behind the
    # installed packages
    command = [str(python), "-P", *options, "-c", PROBE, name]
    environment = outside(RUNTIME="none:needed")  # named as a deployment must; nothing is asked of it
    done = subprocess.run(command, cwd=archive, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Fatal(f"{name} cannot be loaded: {done.stderr.strip()[-2000:]}", next_step="correct its imports.")
    return done
