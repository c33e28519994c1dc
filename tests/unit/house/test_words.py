"""An old word in the names of the code is found, and there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.house.words import WORDS, Scope, Word, find_old_words, table

PLANTS = [
    (Scope.FUNCTION, "owned", "def owned(folder):\n    return folder\n", 1),
    (Scope.FUNCTION, "_listed", "class Letters:\n    def _listed(self):\n        return []\n", 2),
    (
        Scope.FUNCTION,
        "moment",
        "def run(row):\n    def moment(name):\n        return row[name]\n    return moment\n",
        2,
    ),
    (Scope.FUNCTION, "a_runtime", "async def a_runtime():\n    pass\n", 1),
    (Scope.FUNCTION, "told", "def told():\n    pass\n", 1),
    (Scope.IDENTIFIER, "said", "text = 'x'\nmessage = f'it is {text} and {said:>10}'\n", 2),
    (Scope.IDENTIFIER, "said", "def print_line(said):\n    pass\n", 1),
    (Scope.IDENTIFIER, "twin", "save(models, twin=models)\n", 1),
    (Scope.IDENTIFIER, "held", "games = snapshot.held\n", 1),
    (Scope.IDENTIFIER, "Rival", "class Rival:\n    pass\n", 1),
    (Scope.IDENTIFIER, "rival", "from functions.train_model import champion as rival\n", 1),
    (Scope.IDENTIFIER, "told", "try:\n    run()\nexcept ValueError as told:\n    raise\n", 3),
    (Scope.IDENTIFIER, "said", "match answer:\n    case {'text': said}:\n        pass\n", 2),
]


def plant(root: Path, text: str, name: str = "planted") -> list[str]:
    """The old words of a project of one file."""
    folder = root / "shared"
    folder.mkdir()
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return find_old_words(root)


def test_no_old_word_is_left() -> None:
    assert find_old_words(ROOT) == []


@pytest.mark.parametrize(("scope", "name", "text", "line"), PLANTS)
def test_a_planted_old_word_is_named_with_file_and_line(
    tmp_path: Path, scope: Scope, name: str, text: str, line: int
) -> None:
    found = plant(tmp_path, text)
    assert any(each.startswith(f"shared/planted.py:{line} {name}: say ") for each in found)
    assert any(each.endswith(f"({scope.value})") for each in found)


@pytest.mark.parametrize("word", [word for word in WORDS if word.scope == Scope.MODULE], ids=lambda word: word.old)
def test_a_module_of_an_old_name_is_found(tmp_path: Path, word: Word) -> None:
    (found,) = plant(tmp_path, "", name=word.old)
    assert found.startswith(f"shared/{word.old}.py:1 {word.old}: say ")


@pytest.mark.parametrize(
    "text",
    [
        "# what was said of the twin is held\nstate.query('held', [('said', 'told')])\n",
        "import pyarrow as pa\ncolumn = pa.timestamp('us')\nmoment = column\n",
        "class Game:\n    @property\n    def played(self):\n        return True\n",
        "import pytest\n\n\n@pytest.fixture(scope='module')\ndef opened():\n    return 1\n",
        "def need(): ...\ndef feed(): ...\ndef read(): ...\ndef put(): ...\ndef tell_apart(): ...\n",
        "listed = [1]\nended = listed\n",
    ],
    ids=["texts and comments", "another package's attribute", "a property", "a fixture", "verbs", "variables"],
)
def test_what_is_no_old_word_is_left_alone(tmp_path: Path, text: str) -> None:
    assert plant(tmp_path, text) == []


def test_the_table_says_how_often_each_is_left(tmp_path: Path) -> None:
    plant(tmp_path, "said = 1\nprint(said)\n")
    rows = {line.split()[0]: line.split()[-1] for line in table(tmp_path).splitlines()[1:]}
    assert rows["said|told|untold"] == "2"
    assert rows["held"] == "0"
    assert len(rows) == len({word.old for word in WORDS})
