"""Starts the unpacked archive as a deployment does: functions-framework runs in the archive's
folder.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.package.environment import outside
from tests.conftest import ROOT
from tests.house.python_sources import Source, edges, sources
from tests.pipeline.test_production_server import free_port, wait_for_port

# The runtime of every function that is tried out: its file is laid beside the archive.
RUNTIME_FILE = Path("tests/infra/package_runtime.py")
RUNTIME = f"{RUNTIME_FILE.stem}:warehouse_out_of_reach"
NOWHERE = "http://127.0.0.1:9"  # the discard port: refused at once
# What a shell may have set that a deployment does not.
LEFT_OUT = {"DEBUG", "HOST", "PORT", "RUNTIME", "FUNCTION_SOURCE", "FUNCTION_SIGNATURE_TYPE"}


def lay_beside(folder: Path) -> Path:
    """Make a folder for PYTHONPATH with the runtime's file and just the modules of local/ that it
    needs.
    """
    shutil.copyfile(ROOT / RUNTIME_FILE, folder / RUNTIME_FILE.name)
    by_module = {source.module: source for source in sources(ROOT, ("local",))}
    waiting = [Source(RUNTIME_FILE, (ROOT / RUNTIME_FILE).read_text(encoding="utf-8"))]
    needed = {"local"}
    while waiting:
        new = set(edges(waiting.pop(), set(by_module), lazy_too=True)) - needed
        needed |= new
        waiting += [by_module[module] for module in new]
    needed |= {module.rpartition(".")[0] for module in needed if module != "local"}  # the rooms they lie in
    for path in (by_module[module].path for module in needed):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, folder / path)
    return folder


def _deployment(python: Path, name: str, **variables: str) -> tuple[list[str], dict[str, str]]:
    """The command of the deployed image, and its variables: of time zones it has only those of the
    locked tzdata.
    """
    command = [str(python.with_name("functions-framework")), "--host", "127.0.0.1"]
    kept = {key: value for key, value in outside().items() if key not in LEFT_OUT}
    return command, kept | {"FUNCTION_TARGET": name, "PYTHONTZPATH": "", **variables}


@contextmanager
def serve(python: Path, name: str, archive: Path, beside: Path, folder: Path, **variables: str) -> Iterator[str]:
    """An entry point under gunicorn, with further variables of its deployment: its URL.

    Its stores and its output (output.txt) are left in the folder.
    """
    port = free_port()
    command, environment = _deployment(
        python,
        name,
        PORT=str(port),
        RUNTIME=RUNTIME,
        PYTHONPATH=str(beside),
        LOCAL_DIR=str(folder / "stores"),
        NBA_BASE_URL=NOWHERE,
        HTTP_ATTEMPTS="1",
        HTTP_BACKOFF_SECONDS="0",
        **variables,
    )
    with (folder / "output.txt").open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(command, env=environment, cwd=archive, stdout=stream, stderr=stream, text=True)
        try:
            wait_for_port(port, process)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(timeout=30)


def refusal(python: Path, name: str, archive: Path, **variables: str) -> str:
    """The last line that a deployment which must not start says."""
    command, environment = _deployment(python, name, PORT=str(free_port()), **variables)
    done = subprocess.run(
        command, env=environment, cwd=archive, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode != 0
    assert done.stdout == ""
    return done.stderr.splitlines()[-1]
