"""Clean environments: a Python with the archive's locked packages and nothing else, installed as a
deployment does.

They are kept in build/, one for each version of Python and of pip, and made again when the lock or
the Python is another. Google's buildpack lets pip resolve the lock, and does not say which pip it
brings: the oldest that a supported Python comes with, one between and the newest must all install
it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local.package.archive import ROOT
from shared.core.errors import ConfigError

SUPPORTED = ("3.11", "3.12", "3.13")
DEPLOYED = "3.11"  # the runtime python311
OLDEST_PIP, MIDDLE_PIP, NEWEST_PIP = "23.2", "24.0", "newest"
ENVIRONMENTS = ROOT / "build"
READY = ".ready"
SHOWN = 2000
# Says the whole version, or fails where this Python could not make an environment.
ASK = "import sys, venv, ensurepip; print(sys.version)"


def find_python(version: str) -> Path | None:
    """A Python of this version ("3.12") that can make environments: ours, one on the PATH, or one
    that pyenv keeps.
    """
    name = f"python{version}"
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    folders = [Path(sys.base_prefix) / "bin", *map(Path, os.get_exec_path()), *kept.glob(f"{version}.*/bin")]
    for folder in folders:
        python = folder / name
        if os.access(python, os.X_OK) and _version(python).startswith(f"{version}."):
            return python
    return None


def clean_environment(version: str, requirements: Path, pip: str = OLDEST_PIP) -> Path:
    """The python of the environment of this version and this lock, installed by a pip ("23.2",
    "newest") at first use.

    Raises ConfigError where there is no such Python or the lock cannot be installed with it.
    """
    base = find_python(version)
    if base is None:
        raise ConfigError(f"There is no Python {version} with venv.", next_step=f"install one as python{version}.")
    folder = ENVIRONMENTS / f"python-{version}-pip-{pip}"
    python = folder / "bin" / "python"
    ready = folder / READY
    made_of = hashlib.sha256(f"{base} {_version(base)}".encode() + requirements.read_bytes()).hexdigest()
    with _alone(folder):
        if not ready.is_file() or ready.read_text(encoding="utf-8") != made_of:
            _run([str(base), "-m", "venv", "--clear", str(folder)])
            wanted = ["--upgrade", "pip"] if pip == NEWEST_PIP else [f"pip=={pip}"]
            _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])
            # The buildpack does not let pip compile Python either, and checks likewise. Wheels
            # only: nothing is built.
            options = ["--require-hashes", "--only-binary=:all:", "--no-compile", "--disable-pip-version-check"]
            _run([str(python), "-m", "pip", "install", "--quiet", *options, "--requirement", str(requirements)])
            _run([str(python), "-m", "pip", "check", "--disable-pip-version-check"])
            ready.write_text(made_of, encoding="utf-8")
    return python


def outside(**more: str) -> dict[str, str]:
    """The variables for a process that must see nothing of ours: PYTHONPATH and its like are left
    out.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | more


def _version(python: Path) -> str:
    """The whole version, empty where it does not run (pyenv's stand-ins of versions that are not
    chosen).
    """
    try:
        answer = subprocess.run([str(python), "-c", ASK], env=outside(), capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return answer.stdout if answer.returncode == 0 else ""


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time makes an environment; another one waits and finds it."""
    folder.parent.mkdir(exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, env=outside(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ConfigError(
            f"{' '.join(command)} ended with {done.returncode}: {(done.stdout + done.stderr).strip()[-SHOWN:]}",
            next_step="see what it says; `make lock` makes the lock again.",
        )
