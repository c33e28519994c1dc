"""A backtest whose models learn from derived absences: the same rows, the same forecasts asked for,
other models; and an archive without lists has nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from rich.console import Console

from local.backtest import play as playing
from local.backtest.__main__ import main
from local.backtest.arguments import FROM_DERIVED, FROM_LISTS, Arguments
from local.backtest.judging import Played
from local.backtest.play import predict_days
from local.backtest.rows import AskedRows, FeatureRows
from local.backtest.walk import walk_all
from local.backtest.what_if import open_what_if
from local.backtest.world import Spent, world_folder
from local.backtest.worlds import DERIVED, EVENING, WORLDS
from local.day.screen import Screen
from local.host.folder_lock import lock_folder
from local.replay import Archive
from local.replay.archive import INJURY_LISTS
from shared.core.errors import DataError
from shared.science.systems.output import ENSEMBLE
from shared.stores.warehouse.sql import expand_fragments
from tests.support.small_backtests import train_few_trees, write_small_league

pytestmark = pytest.mark.heavy  # seasons of history, models, backtests

# Two months: the second learns from tested days of the first.
FIRST, LAST = date(2025, 11, 20), date(2025, 12, 2)
EARLIER = date(2025, 11, 28)
# A base statistic, and a sum with another that is trained for it alone.
STATS = ("points", "pa")
WHAT_IF, OFFICIAL = "what_if", "official"


@pytest.fixture(scope="module", autouse=True)
def few_trees() -> Iterator[None]:
    with train_few_trees():
        yield


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_league(tmp_path_factory)


@dataclass
class Walks:
    """Each call of walk_all: the rows to learn from, and the rows to predict."""

    known: list[FeatureRows] = field(default_factory=list)
    asked: list[Mapping[str, AskedRows]] = field(default_factory=list)

    def watch(self, known: FeatureRows, asked: Any, stats: Any, pool: Any) -> Any:
        self.known.append(known)
        self.asked.append(next(iter(asked.values())))
        return walk_all(known, asked, stats, pool)


@dataclass(frozen=True)
class Pair:
    """The same backtest with either to learn from, in one folder."""

    lists: Played
    derived: Played
    walks: Walks
    run: Callable[[str, date], Played]
    folder: Path


@pytest.fixture(scope="module")
def pair(league: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("pair") / "local"

    def run(learn: str, last: date) -> Played:
        arguments = Arguments(league, FIRST, last, 1, folder, learn, STATS)
        with lock_folder(arguments.kept_in):  # as the command has it
            return predict_days(arguments, Archive(league), FIRST, last, Screen(Console(quiet=True)), Spent())

    walks = Walks()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(playing, "walk_all", walks.watch)
        return Pair(run(FROM_LISTS, LAST), run(FROM_DERIVED, LAST), walks, run, folder)


def same(one: Played, other: Played, system: str, worlds: Sequence[str]) -> bool:
    """Whether all forecasts of a system are the same number by number."""
    return all(
        np.array_equal(forecast.point, other.forecasts[world][stat][variant].point, equal_nan=True)
        for world in worlds
        for stat, variants in one.forecasts[world].items()
        for variant, forecast in variants.items()
        if variant[0] == system
    )


def test_the_same_rows_are_learned_from_with_other_absences(pair: Pair) -> None:
    lists, derived = pair.walks.known
    assert len(derived) == len(lists) > 1000
    for name in ("game", "player", "as_of"):
        np.testing.assert_array_equal(getattr(derived, name), getattr(lists, name))
    assert list(lists.known) == ["points", "assists", "pa"]
    for stat, rows in lists.known.items():
        np.testing.assert_array_equal(derived.known[stat].actual, rows.actual)
    assert OFFICIAL in lists.list_source
    assert set(derived.list_source) == {WHAT_IF}, "no list is left, of no season"
    out = "teammates_out_count"
    before = lists.day < np.datetime64(FIRST)
    one, other = (rows.known["points"].features[out] for rows in (lists, derived))
    assert (one != other)[before].mean() > 0.1
    assert [month["rows"] for month in pair.derived.training] == [month["rows"] for month in pair.lists.training]
    assert all(a["version"] != b["version"] for a, b in zip(pair.lists.training, pair.derived.training, strict=True))


def test_the_same_forecasts_are_asked_for_with_the_same_lists(pair: Pair) -> None:
    one, other = pair.walks.asked
    assert set(one) == set(other) == {world.name for world in WORLDS}
    for world, rows in one.items():
        np.testing.assert_array_equal(other[world].there, rows.there)
        for name, values in rows.rows["points"].features.items():
            found = other[world].rows["points"].features[name]
            np.testing.assert_array_equal(found, values, err_msg=f"{world}: {name}")
    worlds = [world.name for world in WORLDS]
    assert same(pair.lists, pair.derived, "zone_matchup_v1", worlds), "what is not trained says the same"
    for system in ("xgboost_v1", ENSEMBLE):
        assert not same(pair.lists, pair.derived, system, [EVENING.name])


def test_what_is_kept_of_one_is_never_taken_for_the_other(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(playing, "walk_all", never)
    for learn, before in ((FROM_DERIVED, pair.derived), (FROM_LISTS, pair.lists)):
        again = pair.run(learn, LAST)
        assert again.learned_from == learn
        assert list(again.training) == list(before.training)
        assert same(again, before, ENSEMBLE, [world.name for world in WORLDS])
    assert len(list((pair.folder / "backtest" / "parts").iterdir())) == 4, "two months of each"


def test_days_of_a_world_that_was_loaded_for_later_ones(pair: Pair) -> None:
    """Its games were fetched after an earlier TO: a copy that did not know them would compute
    nothing again, and every other list would be the evening's.
    """
    shorter = pair.run(FROM_DERIVED, EARLIER)
    keys = shorter.asked.keys
    assert 80 < len(keys) < len(pair.derived.asked.keys)
    assert pair.derived.asked.keys[: len(keys)] == keys
    assert shorter.training[0] == pair.derived.training[0]
    for world, forecasts in shorter.forecasts.items():
        for stat, variants in forecasts.items():
            for variant, forecast in variants.items():
                longer = pair.derived.forecasts[world][stat][variant].point[: len(keys)]
                np.testing.assert_array_equal(forecast.point, longer, err_msg=f"{world}: {stat}: {variant}")


def test_a_copy_in_which_nothing_is_computed_is_refused(pair: Pair, league: Path, tmp_path: Path) -> None:
    """Its rows would be those of the world's own lists: here a summer without games."""
    archive, summer = Archive(league), (date(2025, 7, 1), date(2025, 7, 2))
    origin = world_folder(pair.folder / "backtest", archive, FIRST, 1)
    with (
        pytest.raises(DataError, match=r"phase3_analytics computed nothing again \(2025-07-01"),
        open_what_if(DERIVED, tmp_path / "copy", origin, archive, [summer], Screen(Console(quiet=True)), Spent()),
    ):
        raise AssertionError("opened")


def set_settings(monkeypatch: pytest.MonkeyPatch, archive: Path, folder: Path, **more: str) -> None:
    settings = {"ARCHIVE": archive, "FROM": FIRST, "TO": LAST, "HISTORY_SEASONS": 1, "LOCAL_DIR": folder}
    settings["STATS"] = ",".join(STATS)
    for name, value in (settings | more).items():
        monkeypatch.setenv(name, str(value))


def test_the_command_names_what_was_learned_from(
    pair: Pair, league: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = "The models have learned from absences in box scores"
    for learn in (FROM_LISTS, FROM_DERIVED):
        set_settings(monkeypatch, league, pair.folder, LEARN=learn)
        assert main() == 0
        output = " ".join(capsys.readouterr().out.split())
        document = json.loads((pair.folder / "backtest.json").read_text())
        page = (pair.folder / "backtest.html").read_text()
        assert document["learned_from"] == learn
        assert (sentence in output) == (sentence in page) == (learn == FROM_DERIVED)
        assert "who played, by his status at 17:30" in output
        assert "Who played, by his status at 17:30" in page
        availability = document["availability"]
        assert {row["status"] for row in availability["history"]} >= {"OUT", "QUESTIONABLE", "not_listed"}
        for rows in availability.values():
            shares = {row["status"]: row["played"] / row["n"] for row in rows}
            assert shares["OUT"] < 0.1 < 0.8 < shares["not_listed"]
        for row in availability["history"]:
            if row["status"] != "not_listed" and row["n"] >= 50:
                missed = 1 - row["played"] / row["n"]
                assert missed == pytest.approx(absence_probability(row["status"]), abs=0.15), row


def absence_probability(status: str) -> float:
    """What features take for the share of players of the status who do not play."""
    sql = expand_fragments("SELECT {{absence_probability(?)}}")
    (found,) = duckdb.execute(sql, [status]).fetchall()
    return float(found[0])


def test_an_archive_without_lists_has_derived_absences_alone(
    league: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "league"
    archive.mkdir()
    for file in league.glob("*.parquet"):
        if file.stem not in INJURY_LISTS:
            (archive / file.name).write_bytes(file.read_bytes())
    sentence = "absences are derived from box scores, with or without LEARN=derived."
    set_settings(monkeypatch, archive, tmp_path / "local", LEARN=FROM_DERIVED)
    assert main() == 0
    assert sentence in " ".join(capsys.readouterr().out.split())
    asked_for = json.loads((tmp_path / "local" / "backtest.json").read_text())
    assert asked_for["learned_from"] == FROM_DERIVED
    assert asked_for["availability"] == {"tested": [], "history": []}

    def never(*_: Any) -> None:
        raise AssertionError("the same work twice")

    monkeypatch.setattr(playing, "walk_all", never)
    monkeypatch.setenv("LEARN", FROM_LISTS)
    assert main() == 0
    output = " ".join(capsys.readouterr().out.split())
    assert sentence not in output
    assert "The models have learned from absences in box scores" in output
    by_default = json.loads((tmp_path / "local" / "backtest.json").read_text())
    assert by_default.pop("timings") != asked_for.pop("timings")
    assert by_default == asked_for
