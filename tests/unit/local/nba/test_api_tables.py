"""What commands ask is in the tables of questions and actions, and what they show is there."""

from __future__ import annotations

import re
from typing import Any, get_args, get_type_hints

import pytest

from local.nba import calls
from local.nba.commands import alerts, backfills, dates, reading
from local.nba.rendering import Kind
from shared.operations.accuracy.accuracy import WindowAccuracy
from shared.operations.actions.record import OperatorAction
from shared.operations.actions.table import ACTIONS as TABLE
from shared.operations.actions.values import parse_values
from shared.operations.api.questions import QUESTIONS, Question
from shared.operations.audit import AuditRow
from shared.operations.backfill.reading import BackfillView, UnitView
from shared.operations.incidents.deliveries import Delivery
from shared.operations.incidents.records import Incident
from shared.operations.latency.games import DateLatency
from shared.operations.levels import Finding
from shared.operations.picks import Pick
from shared.operations.slowdown.judging import Slowdown
from shared.operations.slowdown.report import Period, Regression
from shared.operations.status.batch import UnitDetail
from shared.operations.status.cell import ExecutionDetail, RestartDetail, TableRows
from shared.operations.status.lineage import ExportedPick, GameRow, Injuries, LineRow, PredictionRow, RawFileRow
from shared.operations.status.model import Cell
from tests.unit.local.nba.test_calls import ACTIONS, READS


@pytest.mark.parametrize("line", ACTIONS)
def test_values_are_those_that_the_action_asks_for(line: str) -> None:
    """Of every action of the table; a name that it does not know would be refused."""
    name, values = ACTIONS[line]
    if name in TABLE:
        parse_values(TABLE[name].parameters, values)


def test_every_action_and_every_question_has_its_command() -> None:
    assert set(TABLE) - {name for name, _ in ACTIONS.values()} == set()
    named = {name: value for name, value in vars(calls).items() if name.isupper() and name != "API"}
    asked = {value for value in named.values() if str(value).startswith("/")}
    assert {question.path for question in QUESTIONS} == asked


def question_of_call(call: str) -> Question:
    """The question whose path is asked, with names in its braces."""
    return next(each for each in QUESTIONS if re.fullmatch(re.sub(r"{\w+}", "[^/]+", f"GET {each.path}"), call))


@pytest.mark.parametrize("line", READS)
def test_queries_are_those_that_the_question_asks_for(line: str) -> None:
    _, call, query, _ = READS[line]
    question = question_of_call(call)
    names = re.findall(r"{(\w+)}", question.path)
    of_path = dict(zip(names, call.removeprefix("GET ").split("/")[2::2], strict=True))
    parse_values(question.parameters, {**query, **of_path})


# Of every table that a person is shown: whose fields its columns are.
ROWS = [
    (dates.CELLS, Cell),
    (dates.EXECUTIONS, ExecutionDetail),
    (dates.ROWS, TableRows),
    (dates.RESTARTS, RestartDetail),
    (dates.UNITS, UnitDetail),
    (dates.EXPORTED, ExportedPick),
    (dates.PREDICTIONS, PredictionRow),
    (dates.INJURIES, Injuries),
    (dates.LINES, LineRow),
    (dates.GAMES, GameRow),
    (dates.FILES, RawFileRow),
    (reading.FINDINGS, Finding),
    (reading.SLOWDOWNS, Slowdown),
    (reading.LATENCIES, DateLatency),
    (reading.REGRESSIONS, Regression),
    (reading.WEEKS, Period),
    (reading.AUDIT, AuditRow),
    (backfills.LIST, BackfillView),
    (backfills.UNITS, UnitView),
    (reading.PICKS, Pick),
    (reading.SYSTEMS, WindowAccuracy),
    (reading.STARTED, OperatorAction),
    (alerts.OPEN, Incident),
    (alerts.LATELY, Incident),
    (alerts.DELIVERIES, Delivery),
]


@pytest.mark.parametrize(("kind", "record"), ROWS, ids=lambda each: getattr(each, "__name__", ""))
def test_columns_are_fields_of_what_is_answered(kind: Kind, record: type) -> None:
    """A field that is renamed would be an empty column."""
    for column in kind.columns:
        found: Any = record
        for name in column.field.split("."):
            if name == "game_date" and column.field.startswith("details."):
                continue  # a document as the action wrote it
            found = next(each for each in get_args(found) or (found,) if each is not type(None))
            assert name in get_type_hints(found), f"{column.field} of {record.__name__}"
            found = get_type_hints(found)[name]
