"""A folder of wheels that claims a newer release of every locked package, as an index does the day
after locking.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

NEWER = "9999.0"
_PINNED = re.compile(r"(?m)^([A-Za-z0-9._-]+)(?:\[([^]]+)\])?==([^ \\\n]+)")


def read_locked(lock: Path) -> dict[str, str]:
    """Version by package name (normalised: "google-auth") of a requirements file."""
    found = _PINNED.findall(lock.read_text(encoding="utf-8"))
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, _, version in found}


def write_newer_releases(folder: Path, locks: Sequence[Path]) -> Path:
    """Write a wheel of version 9999.0 for every package of the locks; each has the extras that are
    asked for.
    """
    folder.mkdir(parents=True)
    extras: dict[str, set[str]] = {}
    for lock in locks:
        for name, wanted, _ in _PINNED.findall(lock.read_text(encoding="utf-8")):
            extras.setdefault(re.sub(r"[-_.]+", "_", name).lower(), set()).update(wanted.split(",") if wanted else ())
    for name, provided in extras.items():
        _write_wheel(folder, name, sorted(provided))
    return folder


def _write_wheel(folder: Path, name: str, extras: Sequence[str]) -> None:
    about = f"{name}-{NEWER}.dist-info"
    metadata = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {NEWER}",
        *(f"Provides-Extra: {e}" for e in extras),
    ]
    files = {
        f"{about}/METADATA": "\n".join(metadata) + "\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in files.items())
    with zipfile.ZipFile(folder / f"{name}-{NEWER}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{about}/RECORD", f"{record}{about}/RECORD,,\n")


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
