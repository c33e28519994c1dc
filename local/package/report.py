"""`make package-report`: the archive's size, and what a cold start of each entry point costs on the
deployed Python.

Times are this machine's and are never asserted. Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from local.console.exit_codes import DONE, FAILED
from local.console.lines import complain, say
from local.package.archive import ARCHIVE, ROOT, Package, write
from local.package.cold_start import MIB, Start, offenders, start, typical
from local.package.environment import DEPLOYED, SUPPORTED, clean_environment, find_python
from shared.core.errors import PipelineError
from shared.core.pipeline import load_pipeline

RUNS = 5
SHOWN_OFFENDERS = 8
# The packages that make a start long where they are loaded.
HEAVY = ("grpc", "httpx", "jsonschema", "numpy", "pandas", "pyarrow", "pypdf", "scipy", "xgboost")


def report(python: Path, archive: Path, package: Package) -> Iterator[str]:
    """The lines of the report on an unpacked archive, as Markdown."""
    unpacked = sum(file.stat().st_size for file in archive.rglob("*") if file.is_file())
    yield f"{ARCHIVE.as_posix()}: {package.files} files, {package.size:,} bytes, {unpacked:,} unpacked"
    yield f"sha256 {package.sha256}"
    yield f"Packages of the lock, installed: {_measure_installed(python):,.0f} MiB"
    yield ""
    starts = {name: _starts(python, archive, name) for name in load_pipeline(archive / "pipeline.yaml").functions}
    yield from table(starts)
    largest = max(starts, key=lambda name: starts[name].entry_point_ms)
    yield ""
    yield f"Where {largest}'s start goes (-X importtime, ms by package itself):"
    for package_name, milliseconds in offenders(python, archive, largest)[:SHOWN_OFFENDERS]:
        yield f"{milliseconds:8.1f}  {package_name}"
    yield ""
    absent = [version for version in SUPPORTED if find_python(version) is None]
    yield f"Measured with Python {DEPLOYED}, medians of {RUNS}; Pythons absent here: {', '.join(absent) or 'none'}."


def table(starts: Mapping[str, Start]) -> Iterator[str]:
    """A row for each entry point: the import of the framework, then of the entry point, memory and
    heavy packages.
    """
    yield "| entry point | framework, ms | entry point, ms | peak MiB | modules | heavy packages |"
    yield "|---|--:|--:|--:|--:|---|"
    for name, found in starts.items():
        heavy = ", ".join(package for package in HEAVY if package in found.packages) or "none"
        peak = "?" if found.peak_mib is None else f"{found.peak_mib:.0f}"
        figures = f"{found.framework_ms:.0f} | {found.entry_point_ms:.0f} | {peak} | {len(found.modules)}"
        yield f"| {name} | {figures} | {heavy} |"


def _starts(python: Path, archive: Path, name: str) -> Start:
    start(python, archive, name)  # the first one compiles, as the deployment's build does
    return typical([start(python, archive, name) for _ in range(RUNS)])


def _measure_installed(python: Path) -> float:
    """MiB of the environment's packages, without what Python compiled of them."""
    (packages,) = python.parent.parent.glob("lib/python*/site-packages")
    files = (file for file in packages.rglob("*") if file.suffix != ".pyc" and file.is_file())
    return sum(file.stat().st_size for file in files) / MIB


def main() -> int:
    """Build, unpack, measure, print; the reason of a failure is one sentence on standard error."""
    try:
        package = write(ROOT)
        with TemporaryDirectory() as folder:
            with zipfile.ZipFile(package.path) as archive:
                archive.extractall(folder)
            python = clean_environment(DEPLOYED, Path(folder) / "requirements.txt")
            for line in report(python, Path(folder), package):
                say(line)
    except (PipelineError, OSError) as error:
        complain(f"Failed: {error}")
        return FAILED
    return DONE


if __name__ == "__main__":
    sys.exit(main())
