"""`make lock`: the dependency groups of pyproject.toml as exact versions with hashes in
requirements/*.txt.

uv resolves; what is added here is one line for each extra that somebody asks for. pip, which
resolves the deployed archive's requirements at Google, takes `google-auth[pyopenssl]` for a package
of its own: without a line with its exact version and hashes, a release of google-auth newer than
the locked one ends the installation.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from local.console.exit_codes import DONE, FAILED
from local.console.lines import complain, say
from local.package.archive import ROOT

# Group -> the smaller group that it stands on, whose versions bind it.
GROUPS = {
    "functions": None,
    "local": "functions",
    "dev": "local",
    "emulators": None,
    "audit": None,
    "checkov": None,
    "lock": None,
}
# For every platform and every Python from 3.11, one version of each; no index is named, the
# installer's choice.
OPTIONS = [
    "--quiet", "--universal", "--python-version", "3.11", "--fork-strategy", "fewest", "--only-binary", ":all:",
    "--generate-hashes", "--no-strip-extras", "--no-annotate", "--no-header", "--no-emit-index-url",
    "--no-emit-find-links",
]  # fmt: skip
_PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[(?P<extras>[^]]+)\])?(?P<rest>==.+)", re.DOTALL)


def blocks(text: str) -> list[str]:
    """A requirements file's entries, each with its hashes on the lines that follow it."""
    return [block.rstrip("\n") for block in re.split(r"\n(?=\S)", text.strip()) if block]


def with_pairs(text: str) -> str:
    """The lock with every package by its plain name and, where extras of it are asked for, once
    more with each.

    Raises ValueError, with the entry, for one that is not pinned to an exact version.
    """
    return "".join(f"{line}\n" for block in blocks(text) for line in _pair_hashes(block))


def plain(text: str) -> str:
    """The lock's packages by their plain names alone: a constraint may have no extras."""
    return "".join(f"{block}\n" for block in blocks(text) if "[" not in block.partition("==")[0])


def _pair_hashes(block: str) -> Iterator[str]:
    entry = _PINNED.fullmatch(block)
    if entry is None:
        raise ValueError(f"{block!r:.100} is not pinned to an exact version")
    name, rest = entry["name"], entry["rest"]
    extras = sorted(entry["extras"].split(",")) if entry["extras"] else []
    yield f"{name}{rest}"
    for extra in extras:
        yield f"{name}[{extra}]{rest}"
    if len(extras) > 1:
        yield f"{name}[{','.join(extras)}]{rest}"


def compile_group(uv: str, root: Path, group: str) -> str:
    """The group's lock as uv resolves it; what is locked already stays where UPGRADE is not set."""
    target = root / "requirements" / f"{group}.txt"
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "lock.txt"
        if target.is_file():
            output.write_text(plain(target.read_text(encoding="utf-8")), encoding="utf-8")
        command = [uv, "pip", "compile", *OPTIONS, "--group", group, "--output-file", str(output)]
        base = GROUPS[group]
        if base:
            constraint = Path(folder) / "constraint.txt"
            constraint.write_text(plain((root / "requirements" / f"{base}.txt").read_text(encoding="utf-8")), "utf-8")
            command += ["--constraint", str(constraint)]
        if os.environ.get("UPGRADE"):
            command.append("--upgrade")
        subprocess.run(command, cwd=root, stdout=subprocess.DEVNULL, check=True)
        return with_pairs(output.read_text(encoding="utf-8"))


def main(uv: str) -> int:
    """Write every group's lock; 1 where uv cannot resolve one (it says why itself)."""
    for group in GROUPS:
        try:
            text = compile_group(uv, ROOT, group)
        except subprocess.CalledProcessError as error:
            complain(f"Failed: uv ended with {error.returncode} for the group {group}.")
            return FAILED
        (ROOT / "requirements" / f"{group}.txt").write_text(text, encoding="utf-8")
        say(f"requirements/{group}.txt: {len(blocks(text))} entries")
    return DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
