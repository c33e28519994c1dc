"""The house keeps its rules, and each rule notices a planted breach."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.house import architecture_rules as rules
from tests.house import rooms
from tests.house.python_sources import sources

RULES = [
    rules.directions,
    rules.cycles,
    rules.heavy_at_start,
    rules.long_mains,
    rules.swallowed_errors,
    rules.wall_clock,
    rules.undone,
    rooms.rooms,
    rooms.find_unmirrored,
]


@cache
def distributions() -> Mapping[str, list[str]]:
    """By module the packages that bring it; reading them all takes a while."""
    return packages_distributions()


def list_installed(module: str) -> set[str]:
    return {name.lower().replace("_", "-") for name in distributions().get(module, [])}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: rules.Rule) -> None:
    assert rule(ROOT) == []


def test_every_imported_package_is_locked_for_its_room() -> None:
    assert rules.find_unlocked(ROOT, list_installed) == []


def test_every_imported_package_is_declared_for_its_room() -> None:
    assert rules.find_undeclared(ROOT, list_installed) == []


def test_the_rules_look_at_something() -> None:
    seen = {source.room for source in sources(ROOT)}
    assert seen == {"functions", "shared", "local", "tests"}
    assert "shared.core.errors" in {source.module for source in sources(ROOT)}


def test_the_locks_name_no_host_and_no_folder() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        text = lock.read_text(encoding="utf-8")
        assert not re.search(r"://|^--(?!hash)|^-[a-z]|@ ", text, re.MULTILINE), lock.name
        assert text.count("==") <= text.count("--hash=sha256:"), lock.name


def test_no_file_names_the_place_of_this_checkout() -> None:
    places = {str(ROOT), str(ROOT.parent), str(Path.home())} - {"/", "/tmp"}
    pattern = re.compile("|".join(rf"(?<![\w.]){re.escape(place)}(?![\w-])" for place in sorted(places)))
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    broken = []
    for name in listed.stdout.splitlines():
        file = ROOT / name
        if file.is_file() and (match := pattern.search(file.read_text(encoding="utf-8", errors="replace"))):
            broken.append(f"{name} names {match.group()}")
    assert broken == []


SWALLOW = "try:\n    work()\nexcept {caught}:\n    {then}\n"

PLANTED: list[tuple[rules.Rule, dict[str, str], str]] = [
    (rules.directions, {"functions/a/main.py": "import local.embedded.bus"}, "deployed archive"),
    (rules.directions, {"shared/x.py": "from local import bus"}, "deployed archive"),
    (rules.directions, {"shared/x.py": "def f():\n    import duckdb"}, "deployed archive"),
    (rules.directions, {"shared/x.py": "import importlib\nimportlib.import_module('sqlglot')"}, "deployed"),
    (rules.directions, {"functions/a/main.py": "from functions.b.sql import x"}, "never imports another"),
    (rules.directions, {"functions/a/main.py": "from functions import b"}, "never imports another"),
    (rules.directions, {"functions/a/main.py": "from functions.ab import b"}, "never imports another"),
    (rules.directions, {"shared/x.py": "import functions.a.main"}, "nothing imports functions"),
    (rules.directions, {"local/x.py": "from functions.a import main"}, "nothing imports functions"),
    (rules.directions, {"shared/x.py": "from google.cloud import bigquery"}, "only shared/stores/gcp"),
    (rules.directions, {"shared/x.py": "from google import cloud"}, "only shared/stores/gcp"),
    (
        rules.directions,
        {"shared/x.py": "def f():\n    from shared.stores.gcp import bus"},
        "by shared/stores/runtime.py alone",
    ),
    (rules.directions, {"shared/stores/runtime.py": "from shared.stores.gcp import bus"}, "lazily"),
    (rules.directions, {"local/x.py": "import pandas as pd"}, "pandas"),
    (rules.directions, {"local/x.py": "def f():\n    from matplotlib import figure"}, "only the backtest's page"),
    (rules.directions, {"shared/x.py": "from . import y"}, "absolute"),
    (rules.directions, {"shared/x.py": "from tests import conftest"}, "only tests"),
    (rules.cycles, {"shared/a.py": "from shared import b", "shared/b.py": "import shared.a"}, "shared.a -> "),
    (
        rules.cycles,
        {
            "local/a.py": "from local.b import x",
            "local/b.py": "def f():\n    from local.c import y",
            "local/c.py": "import local.a",
        },
        "local.a -> local.b -> local.c -> local.a",
    ),
    (
        rules.cycles,
        {"shared/p/__init__.py": "from shared.p.a import f", "shared/p/a.py": "import shared.p"},
        "->",
    ),
    (rules.heavy_at_start, {"shared/core/errors.py": "import numpy as np"}, "shared.core.errors -> numpy"),
    (
        rules.heavy_at_start,
        {"shared/chain/execution/entrypoint.py": "from shared import x", "shared/x.py": "import xgboost"},
        "shared.chain.execution.entrypoint -> shared.x -> xgboost",
    ),
    (
        rooms.rooms,
        {"shared/core/a.py": "def f():\n    from shared.nba import b", "shared/nba/b.py": ""},
        "of shared, core lies below nba",
    ),
    (
        rooms.rooms,
        {"shared/science/a.py": "from shared.chain import b", "shared/chain/b.py": ""},
        "of shared, science lies beside chain",
    ),
    (
        rooms.rooms,
        {"shared/chain/messages/a.py": "import shared.chain.batches.b", "shared/chain/batches/b.py": ""},
        "of shared.chain, messages lies below batches",
    ),
    (
        rooms.rooms,
        {"local/backtest/a.py": "from local.cli.run import x", "local/cli/run.py": ""},
        "of local, backtest lies below cli",
    ),
    (rooms.rooms, {"shared/x.py": ""}, "shared/x.py lies in no room"),
    (
        rooms.find_unmirrored,
        {"shared/core/x.py": "", "tests/unit/cores/test_x.py": ""},
        "tests/unit/cores/test_x.py lies in the folder of no room",
    ),
    (rooms.find_unmirrored, {"tests/unit/test_x.py": ""}, "tests/unit/test_x.py lies in no folder"),
    (
        rooms.rooms,
        {"shared/attic/a.py": "import shared.core.b", "shared/core/b.py": ""},
        "shared has no floor for attic",
    ),
    (rules.long_mains, {"functions/a/main.py": "x = 1\n" * 41}, "41 lines"),
    (rules.swallowed_errors, {"shared/x.py": SWALLOW.format(caught="Exception", then="log()")}, "x.py:3"),
    (
        rules.swallowed_errors,
        {"local/x.py": SWALLOW.format(caught="(ValueError, Exception)", then="log()")},
        "x",
    ),
    (rules.swallowed_errors, {"shared/x.py": "try:\n    work()\nexcept:\n    pass"}, "x.py:3"),
    (
        rules.swallowed_errors,
        {"shared/x.py": SWALLOW.format(caught="BaseException as e", then="if a:\n        raise")},
        "x.py:3",
    ),
    (
        rules.swallowed_errors,
        {"shared/x.py": "with contextlib.suppress(Exception):\n    work()"},
        "suppresses",
    ),
    (
        rules.swallowed_errors,
        {rules.BECOMES_A_FINDING: 2 * SWALLOW.format(caught="Exception", then="log()")},
        "health.py:7",
    ),
    (rules.wall_clock, {"functions/a/main.py": "now = datetime.now(UTC)"}, "datetime.now"),
    (rules.wall_clock, {"shared/x.py": "from time import time"}, "imports time"),
    (rules.wall_clock, {"shared/x.py": "import time\ntime.sleep(1)"}, "time.sleep"),
    (rules.wall_clock, {"tests/test_x.py": "import time\ntime.sleep(1)"}, "time.sleep"),
    (rules.wall_clock, {"tests/test_x.py": "from time import sleep"}, "imports sleep"),
    (rules.undone, {"shared/x.py": "# TODO later"}, "x.py:1"),
    (rules.undone, {"shared/x.py": "raise NotImplementedError"}, "NotImplemented"),
    (rules.undone, {"tests/test_x.py": "@pytest.mark.xfail\ndef test_x(): ..."}, "fixture"),
    (rules.undone, {"tests/test_x.py": "@pytest.mark.skipif(True)\ndef test_x(): ..."}, "fixture"),
]


@pytest.mark.parametrize(("rule", "files", "expected"), PLANTED)
def test_a_rule_notices_a_planted_breach(
    tmp_path: Path, rule: rules.Rule, files: dict[str, str], expected: str
) -> None:
    found = plant(tmp_path, files, rule)
    assert len(found) >= 1
    assert expected in found[0]


ALLOWED: list[tuple[rules.Rule, dict[str, str]]] = [
    (rules.directions, {"functions/a/main.py": "from functions.a.sql import x\nfrom functions.a import y"}),
    (rules.directions, {"local/backtest/x.py": "from matplotlib.figure import Figure"}),
    (rules.directions, {"functions/a/main.py": "from shared.core.clock import Clock\nimport httpx"}),
    (rules.directions, {"local/x.py": "import duckdb\nfrom local import bus\nfrom shared import ports"}),
    (
        rules.directions,
        {"shared/stores/gcp/bus.py": "from google.cloud import pubsub\nfrom shared.stores.gcp import names"},
    ),
    (rules.directions, {"shared/stores/runtime.py": "def f():\n    from shared.stores.gcp import bus"}),
    (
        rules.cycles,
        {
            "shared/p/__init__.py": "from shared.p.a import f",
            "shared/p/a.py": "from shared.p import b",
            "shared/p/b.py": "x = 1",
        },
    ),
    (rules.heavy_at_start, {"shared/chain/execution/handler.py": "def f():\n    import xgboost"}),
    (
        rooms.rooms,
        {
            "shared/science/training/a.py": "from shared.science.evaluation import b\nfrom shared.core import c",
            "shared/science/evaluation/b.py": "",
            "shared/core/c.py": "",
            "local/cli/d.py": "from local.day.e import f",
            "local/day/e.py": "from shared.science.training import a",
            "functions/g/main.py": "from shared.core import c",
        },
    ),
    (rules.long_mains, {"functions/a/main.py": "x = 1\n" * 40}),
    (
        rules.swallowed_errors,
        {"shared/x.py": SWALLOW.format(caught="Exception as e", then="raise Fatal(e) from e")},
    ),
    (rules.swallowed_errors, {"shared/x.py": SWALLOW.format(caught="ValueError", then="pass")}),
    (rules.swallowed_errors, {rules.BECOMES_A_FINDING: SWALLOW.format(caught="Exception", then="log()")}),
    (rules.wall_clock, {"shared/core/clock.py": "now = datetime.now(UTC)", "shared/x.py": "time.perf_counter()"}),
]


@pytest.mark.parametrize(("rule", "files"), ALLOWED)
def test_a_rule_lets_good_code_pass(tmp_path: Path, rule: rules.Rule, files: dict[str, str]) -> None:
    assert plant(tmp_path, files, rule) == []


def test_a_package_of_another_room_is_noticed(tmp_path: Path) -> None:
    files = {
        "requirements/functions.txt": "httpx==1.0 \\\n    --hash=sha256:0\n",
        "requirements/local.txt": "httpx==1.0\nduckdb==1.0\n",
        "requirements/dev.txt": "pytest==1.0\n",
        "shared/x.py": "import httpx\nimport json\nfrom shared import y\nimport duckdb\n",
        "local/x.py": "import duckdb\n",
    }
    found = plant(tmp_path, files, lambda root: rules.find_unlocked(root, lambda module: {module}))
    assert found == ["shared/x.py:4 imports duckdb; requirements/functions.txt does not lock it"]


def test_a_package_that_only_others_need_is_noticed(tmp_path: Path) -> None:
    groups = ['functions = ["httpx>=1"]', 'local = [{ include-group = "functions" }, "Flask>=1"]', 'dev = ["pytest"]']
    files = {
        "pyproject.toml": "\n".join(["[dependency-groups]", *groups]),
        "shared/x.py": "import httpx\nimport certifi\nimport json\n",
        "local/x.py": "import flask\nimport httpx\nfrom shared import x\n",
    }
    found = plant(tmp_path, files, lambda root: rules.find_undeclared(root, lambda module: {module}))
    assert found == ["shared/x.py:2 imports certifi; the group functions of pyproject.toml does not name it"]


def plant(root: Path, files: dict[str, str], rule: rules.Rule) -> list[str]:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return rule(root)
