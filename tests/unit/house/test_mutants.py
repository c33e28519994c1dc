"""`make mutants`: which mutants there are, and that it tells one that tests notice from one that
they do not.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mutation.__main__ import draw, main
from tests.mutation.core import CORE
from tests.mutation.mutants import mutants_of

pytestmark = pytest.mark.heavy  # plays tests in processes of their own

ROOT = Path(__file__).resolve().parents[3]
TINY = """
def is_adult(age):
    return age >= 18


def half(number):
    return number / 2
"""
TESTS = """
from shared.tiny import half, is_adult


def test_adults():
    assert is_adult(30)
    assert not is_adult(10)


def test_half():
    assert half(8) == 4
"""


def list_changed(text: str, file: str = "shared/a.py") -> list[str]:
    return [f"{mutant.before} -> {mutant.after}" for mutant in mutants_of(file, text)]


@pytest.mark.parametrize(
    ("text", "mutants"),
    [
        ("x = a < b", ["< -> <="]),
        ("x = a <= b != c", ["<= -> <", "!= -> =="]),
        ("x = a is not None", ["is not -> is"]),
        ("x = a not in b", ["not in -> in"]),
        ("x = not a", ["not  -> "]),
        ("x = a and b or c", ["and -> or", "or -> and"]),
        ("x = 'ü' + a  # +", ["+ -> -"]),
        ("x = ('µ', 2)", ["2 -> 3"]),
        ("x = True", ["True -> False"]),
        ("x = -a * 0.5", ["- -> ", "* -> /", "0.5 -> 1.5"]),
        ("a += 1", ["a += 1 -> pass", "+ -> -", "1 -> 2"]),
        ("check()", ["check() -> pass"]),
        ("raise E", ["raise E -> pass"]),
        ("x = f(a, b=c)", [", b=c -> "]),
        ("x = f(b=c, d=e)", ["b=c,  -> ", ", d=e -> "]),
        ("x = f(b=c)", ["b=c -> "]),
        ("x = min(sorted(a))", ["min -> max", "sorted -> list"]),
        ("x = a if b else c", ["b -> (not (b))"]),
        ("x = [a for a in b if a]", ["a -> (not (a))"]),
        ('def f(a: int | None = 1) -> B[2]:\n    """Of 1 < 2."""\n    return a', ["1 -> 2", "a -> None"]),
        ("for a in b:\n    continue", ["continue -> break"]),
        ("x = a  # 1 < 2", []),
    ],
)
def test_the_mutants_of_python(text: str, mutants: list[str]) -> None:
    assert list_changed(text) == mutants


@pytest.mark.parametrize(
    ("text", "mutants"),
    [
        ("SELECT a FROM t WHERE a <= @b -- < 1", ["<= -> <"]),
        ("SELECT '<' FROM t WHERE a = 'x' AND b > 10", ["= -> !=", "AND -> OR", "> -> >=", "10 -> 11"]),
        ("WHERE a BETWEEN @b AND @c AND d IS NOT NULL", ["AND -> OR", "IS NOT NULL -> IS NULL"]),
        (
            "SELECT MAX(a1) FROM t INNER JOIN u ORDER BY b DESC",
            ["MAX -> MIN", "INNER JOIN -> LEFT JOIN", "DESC -> ASC"],
        ),
    ],
)
def test_the_mutants_of_sql(text: str, mutants: list[str]) -> None:
    assert list_changed(text, "sql/a.sql") == mutants


def test_a_mutant_says_its_place_and_changes_it_alone() -> None:
    """Lines and columns count letters, not bytes."""
    text = "a = 'é', 'é'\nb = ('é', a < 2)\n"
    less, number = mutants_of("shared/a.py", text)
    assert (str(less), str(number)) == ("shared/a.py:2: < -> <=", "shared/a.py:2: 2 -> 3")
    assert less.apply(text) == text.replace("<", "<=")
    assert number.apply(text) == text.replace("2", "3")


def test_every_file_of_the_core_and_every_test_of_it_is_there() -> None:
    named = {*CORE, *(test for tests in CORE.values() for test in tests)}
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_a_seed_draws_the_same_mutants_and_another_one_others() -> None:
    files = ["shared/chain/resilience/locks.py", "shared/chain/execution/ledger.py"]
    first = draw(ROOT, files, 20, 1)
    assert (first, len(first)) == (draw(ROOT, files, 20, 1), 20)
    assert first != draw(ROOT, files, 20, 2)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one module whose tests never ask at the limit of 18 years."""
    project = tmp_path / "tiny"
    for name, text in (("shared/tiny.py", TINY), ("tests/test_tiny.py", TESTS)):
        (project / name).parent.mkdir(parents=True)
        (project / name).write_text(text)
    (project / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    monkeypatch.setenv("JOURNAL", str(tmp_path / "journal.jsonl"))
    for name in ("FILES", "MOST", "SEED", "LIST"):
        monkeypatch.delenv(name, raising=False)
    return project


def test_what_tests_notice_is_killed_and_what_they_do_not_survives(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    core = {"shared/tiny.py": ["tests/test_tiny.py"]}
    before = (tiny / "shared/tiny.py").read_bytes()
    assert main(tiny, core) == 1
    output = capsys.readouterr().out.splitlines()
    assert output == [
        "survived: shared/tiny.py:3: >= -> >",
        "survived: shared/tiny.py:3: 18 -> 19",
        "6 of 6 mutants: 4 killed, 2 survived",
    ]
    assert (tiny / "shared/tiny.py").read_bytes() == before

    journal = tiny.parent / "journal.jsonl"
    played = journal.read_text().splitlines()
    assert sorted(json.loads(line)["outcome"] for line in played) == ["killed"] * 4 + ["survived"] * 2
    assert main(tiny, core) == 1
    assert capsys.readouterr().out.splitlines() == output
    assert journal.read_text().splitlines() == played, "nothing was played again"


def test_tests_that_fail_by_themselves_judge_nothing(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tiny / "tests/test_tiny.py").write_text("def test_red():\n    assert False\n")
    assert main(tiny, {"shared/tiny.py": ["tests/test_tiny.py"]}) == 2
    assert "end with 1 before anything is changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "output"),
    [("FILES", "shared/no.py", "shared/no.py is not among"), ("MOST", "0", "less than 1"), ("SEED", "x", "whole")],
)
def test_wrong_input_is_said(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, output: str
) -> None:
    monkeypatch.setenv(name, value)
    assert main(tiny, {"shared/tiny.py": ["tests/test_tiny.py"]}) == 2
    assert output in capsys.readouterr().err
