"""Phase 2 on mutated answers: every one ends in rows that the tables hold or in refusals that are
named.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.box_scores import PlayerBoxScores, TeamBoxScores
from functions.phase2_raw.normalise.injuries import InjuryRows
from functions.phase2_raw.normalise.odds import OddsRows
from functions.phase2_raw.normalise.official_reports import OfficialReportRows
from functions.phase2_raw.normalise.rows import MakeNormaliser, Problems
from functions.phase2_raw.normalise.schedule import ScheduleRows
from functions.phase2_raw.normalise.shot_zones import ShotZoneRows
from shared.core.errors import DataError
from shared.nba.feed_json import read_json
from shared.stores.ports import DateRange
from shared.stores.raw_files import RawAnswer, RawContent, Response, decode_raw, encode_raw, raw_path
from shared.stores.warehouse.rows import conform
from shared.stores.warehouse.schemas import load_schema
from tests.fuzz import samples
from tests.fuzz.mutations import as_sent, mutate

FIRST, DAY = date(2025, 1, 1), date(2025, 11, 14)
FETCHED = datetime(2025, 11, 14, 16, 30, tzinfo=UTC)
# The whole way through a file's bytes for one input of so many; the others begin with the answer's.
_WHOLE_WAY = 10
# Files that one run loads together.
_TOGETHER = 50


def _mutate(sent: bytes, random_: random.Random) -> Any:
    return mutate(sent, random_, random_.choice((1, 1, 1, 2, 3, 8)))


@dataclass(frozen=True)
class Source:
    """What is mutated, and what reads it."""

    kind: tuple[str, str]  # source and kind of the raw file
    answer: str
    normaliser: MakeNormaliser
    answers: Sequence[Any]
    request: Mapping[str, Any] = field(default_factory=dict)
    mutate: Callable[[bytes, random.Random], Any] = _mutate


def sources() -> dict[str, Source]:
    """Every source that phase 2 reads."""
    odds = samples.real("odds_event_odds_spreads_totals_2024-01-25.json")
    markets = {"params": {"markets": "player_points,player_points_alternate"}}
    return {
        "schedule": Source(
            ("nba", "schedule"), "schedule", ScheduleRows,
            [samples.SCHEDULE, *samples.real("scheduleleaguev2_2025-03-14_to_16.json")],
        ),
        "player box scores": Source(
            ("nba", "player_boxscores"), "leaguegamelog", PlayerBoxScores,
            [samples.PLAYER_BOX, *samples.real("leaguegamelog_P_2025-03-15.json")],
        ),
        "team box scores": Source(("nba", "team_boxscores"), "leaguegamelog", TeamBoxScores, [samples.TEAM_BOX]),
        "player points": Source(("odds_api", "player_points"), "odds", OddsRows, [samples.EVENT], markets),
        "game lines": Source(("odds_api", "game_lines"), "odds", OddsRows, [samples.EVENT]),
        "live odds": Source(("odds_api", "live_odds"), "odds", OddsRows, [samples.EVENT]),
        "past odds": Source(("odds_api", "event_odds"), "odds", OddsRows, [samples.PAST_EVENT, *odds]),
        "official reports": Source(
            ("official", "injury_report"), "injury_report", OfficialReportRows, samples.reports(),
            mutate=samples.odd_report,
        ),
        "injuries": Source(("espn", "injuries"), "injuries", InjuryRows, [samples.INJURIES]),
        "player zones": Source(("zones", "player"), "zones", ShotZoneRows, [samples.PLAYER_ZONES]),
        "team zones": Source(("zones", "team"), "zones", ShotZoneRows, [samples.TEAM_ZONES]),
    }  # fmt: skip


@dataclass
class Tally:
    """By source: inputs, files refused as a whole, elements refused, rows that came of the rest."""

    inputs: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    elements: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    tables: dict[str, list[pa.Table]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        heads = f"{'source':<20}{'inputs':>10}{'files refused':>15}{'elements refused':>18}{'rows':>10}"
        return [heads] + [
            f"{name:<20}{count:>10,}{self.files[name]:>15,}{self.elements[name]:>18,}{self.rows[name]:>10,}"
            for name, count in self.inputs.items()
        ]


class Files:
    """Answers through one source's normaliser, each as a file of its own, and the tables of all of
    them.
    """

    def __init__(self, source: Source, problems: Problems) -> None:
        self._source = source
        self._normaliser = source.normaliser(DateRange(FIRST, DAY), problems)

    def add(self, answer: Any) -> None:
        """Raises DataError where the file is refused."""
        read = [RawAnswer(self._source.answer, self._source.request, answer)]
        self._normaliser.add("the/path", RawContent(*self._source.kind, DAY, "run-1", FETCHED, {}, read))

    def tables(self) -> dict[str, pa.Table]:
        """As they would be loaded."""
        return {name: conform(table, load_schema(name)) for name, table in self._normaliser.tables().items()}


def fuzz(inputs: int, seed: int, *, keep: bool = False) -> Tally:
    """So many mutated answers, the sources in turn.

    Whatever else than DataError is raised goes through.

    The tables are kept where they are wanted.
    """
    tally, random_ = Tally(), random.Random(seed)
    named = list(sources().items())
    sent = {name: [as_sent(answer) for answer in source.answers] for name, source in named}
    for first in range(0, inputs, _TOGETHER):
        name, source = named[first // _TOGETHER % len(named)]
        problems = Problems()
        files = Files(source, problems)
        for number in range(first, min(inputs, first + _TOGETHER)):
            value = source.mutate(random_.choice(sent[name]), random_)
            tally.inputs[name] += 1
            try:
                files.add(_read(source, as_sent(value), number))
            except DataError:
                tally.files[name] += 1
        for table, rows in files.tables().items():
            tally.rows[name] += rows.num_rows
            if keep:
                tally.tables.setdefault(table, []).append(rows)
        for sentence in problems.sentences:
            sentence.encode()  # it is logged and announced
        tally.elements[name] += problems.refused
    return tally


def _read(source: Source, sent: bytes, number: int) -> Any:
    if number % _WHOLE_WAY:
        return read_json(sent)
    path = raw_path(*source.kind, DAY, FETCHED, "key")
    response = Response(source.answer, source.request, {}, sent)
    return decode_raw(path, encode_raw(*source.kind, DAY, "run-1", FETCHED, [response], {})).answers[0].body
