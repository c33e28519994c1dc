"""`make package`: what the archive holds, and that the same tree gives the same bytes whoever
builds it.
"""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from local.package.archive import build, contents, write
from local.package.environment import SUPPORTED, find_python, outside
from shared.core import code_version
from shared.core.errors import DataError
from shared.core.pipeline import load_pipeline
from tests.conftest import ROOT

# What building needs: the archive's own files, and the program that builds.
PROGRAM = (
    "local/__init__.py",
    *(f"local/package/{name}.py" for name in ("__init__", "__main__", "archive")),
    *(f"local/console/{name}.py" for name in ("__init__", "exit_codes", "lines")),
)


@pytest.fixture(scope="module")
def deployed() -> dict[str, bytes]:
    return contents(ROOT)


def list_tracked(*places: str) -> set[str]:
    """The files that git knows or would add, as the working tree has them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *places]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name for name in listed if (ROOT / name).is_file()}


def lay_out(folder: Path, change: Callable[[bytes], bytes] = lambda data: data, *, last_first: bool = False) -> Path:
    """A copy of all that building needs, in a folder of its own."""
    names = sorted(list_tracked("functions", "shared", "pipeline.yaml", "requirements/functions.txt") | set(PROGRAM))
    for name in reversed(names) if last_first else names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(change((ROOT / name).read_bytes()))
    return folder


# --- what it holds --------------------------------------------------------------------------------


def test_it_holds_the_tracked_files_of_functions_and_shared_and_four_at_the_root(deployed: dict[str, bytes]) -> None:
    rooms = list_tracked("functions", "shared") - {"functions/main.py"}
    assert set(deployed) == rooms | {"main.py", "requirements.txt", "pipeline.yaml", code_version.FILE}
    assert {name.partition("/")[0] for name in deployed if "/" in name} == {"functions", "shared"}


def test_it_says_which_code_it_is(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "one")
    assert code_version.code_version(ROOT) == ""  # a checkout has none
    found: list[str] = []
    for text in ("", "# another\n"):
        module = folder / "shared" / "__init__.py"
        module.write_text(module.read_text(encoding="utf-8") + text, encoding="utf-8")
        root = tmp_path / f"archive-{len(found)}"
        root.mkdir()
        (root / code_version.FILE).write_bytes(contents(folder)[code_version.FILE])
        found.append(code_version.code_version(root))
    assert all(re.fullmatch(r"[0-9a-f]{12}", version) for version in found)
    assert found[0] == json.loads(contents(ROOT)[code_version.FILE])["version"] != found[1]


def test_every_function_is_in_it_with_its_sql_and_the_schemas(deployed: dict[str, bytes]) -> None:
    for name in load_pipeline().functions:
        assert f"functions/{name}/main.py" in deployed
    kinds = {Path(name).suffix for name in deployed}
    assert kinds == {".py", ".sql", ".json", ".yaml", ".txt", ".html", ".css", ".js"}


def test_pages_are_in_it_and_no_other_function_has_any(deployed: dict[str, bytes]) -> None:
    """What a browser gets: nothing of it comes from another site, so it has to be here."""
    pages = {name for name in deployed if Path(name).suffix in (".html", ".css", ".js")}
    assert {name.split("/")[1] for name in pages} == {"dashboard"}
    assert {name.split("/")[2] for name in pages} == {"static", "templates"}


def test_the_requirements_are_the_functions_lock_with_a_hash_for_every_package(deployed: dict[str, bytes]) -> None:
    text = deployed["requirements.txt"].decode()
    assert text == (ROOT / "requirements" / "functions.txt").read_text(encoding="utf-8")
    packages = re.split(r"\n(?=\S)", text.strip())
    assert len(packages) > 30
    assert [package for package in packages if "==" not in package or "--hash=sha256:" not in package] == []


def test_the_buildpack_sees_the_framework_in_the_requirements(deployed: dict[str, bytes]) -> None:
    """What the buildpack looks for in requirements.txt; where it does not find it, it adds a
    version of its own.
    """
    assert re.search(r"(?m)^functions-framework\b([^-]|$)", deployed["requirements.txt"].decode())


def test_caches_and_hidden_files_are_left_out(tmp_path: Path) -> None:
    folder = lay_out(tmp_path)
    before = contents(folder)
    for name in ("shared/__pycache__/errors.cpython-311.pyc", "functions/.DS_Store", "shared/.ruff_cache/x.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    assert contents(folder) == before


@pytest.mark.parametrize("name", ["shared/notes.txt", "functions/grading/grade.py.orig", "shared/model.ubj"])
def test_a_file_that_no_function_reads_is_refused_by_name(tmp_path: Path, name: str) -> None:
    folder = lay_out(tmp_path)
    (folder / name).write_bytes(b"x")
    with pytest.raises(DataError, match=re.escape(name)):
        contents(folder)


def test_a_link_is_refused(tmp_path: Path) -> None:
    folder = lay_out(tmp_path)
    (folder / "shared" / "link.py").symlink_to(folder / "shared" / "core" / "errors.py")
    with pytest.raises(DataError, match=r"shared/link\.py"):
        contents(folder)


@pytest.mark.parametrize("name", ["pipeline.yaml", "requirements/functions.txt", "functions/main.py"])
def test_an_incomplete_checkout_is_refused(tmp_path: Path, name: str) -> None:
    folder = lay_out(tmp_path)
    (folder / name).unlink()
    with pytest.raises(DataError, match=re.escape(name)):
        contents(folder)


# --- the same bytes -------------------------------------------------------------------------------


@pytest.fixture
def umask() -> Iterator[None]:
    """Another umask than this process's while the test lasts."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def test_a_zip_says_nothing_of_time_rights_or_system(deployed: dict[str, bytes]) -> None:
    with zipfile.ZipFile(BytesIO(build(deployed))) as archive:
        entries = archive.infolist()
        assert archive.testzip() is None
        assert {entry.filename: archive.read(entry) for entry in entries} == deployed
    assert [entry.filename for entry in entries] == sorted(deployed)
    assert {(entry.date_time, entry.create_system, entry.extra, entry.comment) for entry in entries} == {
        ((1980, 1, 1, 0, 0, 0), 3, b"", b"")
    }
    assert {entry.external_attr >> 16 for entry in entries} == {stat.S_IFREG | 0o644}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}, "deflate depends on zlib's build"


@pytest.mark.usefixtures("umask")
def test_place_time_rights_order_and_line_ends_of_the_checkout_do_not_matter(tmp_path: Path) -> None:
    one = write(lay_out(tmp_path / "one"))
    other = lay_out(tmp_path / "other", lambda data: data.replace(b"\n", b"\r\n"), last_first=True)
    for file in other.rglob("*.py"):
        os.utime(file, (86_400, 86_400))
        file.chmod(0o700)
    assert write(other).path.read_bytes() == one.path.read_bytes()
    assert one.path.read_bytes() == build(contents(ROOT))


def test_one_changed_byte_is_another_archive(tmp_path: Path) -> None:
    folder = lay_out(tmp_path)
    before = write(folder)
    file = folder / "shared" / "stores" / "warehouse" / "views" / "nba_predictions.current_predictions.sql"
    file.write_bytes(file.read_bytes() + b"\n")
    after = write(folder)
    assert after.sha256 != before.sha256
    assert (after.files, after.size) == (before.files, before.size + 1)
    assert [path.name for path in after.path.parent.iterdir()] == ["functions.zip"]


def test_every_python_builds_the_same_with_nothing_but_its_standard_library(tmp_path: Path) -> None:
    """-S leaves installed packages out: a machine that only deploys needs none."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    pythons = {version: python for version in {here, *SUPPORTED} if (python := find_python(version))}
    output = {}
    for version, python in pythons.items():
        folder = lay_out(tmp_path / version)
        command = [str(python), "-S", "-m", "local.package"]
        done = subprocess.run(command, cwd=folder, env=outside(), capture_output=True, text=True, check=True)
        assert done.stderr == ""
        output[version] = done.stdout
    expected = write(lay_out(tmp_path / "ours"))
    line = f"build/functions.zip: {expected.files} files, {expected.size:,} bytes, sha256 {expected.sha256}\n"
    assert output == dict.fromkeys(pythons, line)
    assert here in output


def test_what_stops_it_is_one_sentence(tmp_path: Path) -> None:
    folder = lay_out(tmp_path)
    (folder / "shared" / "notes.txt").write_text("x", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "local.package"], cwd=folder, env=outside(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"Failed: \S+/shared/notes\.txt is neither .*\n", done.stderr)
    assert not (folder / "build").exists()
