"""ESPN's injury list -> nba_raw.injury_report: one row a player for the run's game day; and
nba_raw.injury_report_teams: every team, whose list is there where the list names anybody.

An empty list is one row without a player.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.injury_tables import NOBODY, InjuryTables, listed_row, once_each
from functions.phase2_raw.normalise.rows import Problems, each_answer
from shared.nba import feed_values
from shared.nba.bounds import LONGEST_REASON
from shared.nba.feed_values import ElementRefused, show_value
from shared.nba.player_names import natural_order, player_lookup
from shared.nba.teams import TEAMS, team_by_name
from shared.stores.ports import DateRange
from shared.stores.raw_files import RawAnswer, RawContent

# ESPN's words -> ours, the gravest first, by their letters alone ("Day-To-Day",
# INJURY_STATUS_DAYTODAY). Day-to-day players decide at the shoot-around: questionable, as the
# league calls it. Somebody suspended is out however healthy.
STATUSES = {
    "out": "OUT",
    "outforseason": "OUT",
    "outindefinitely": "OUT",
    "ofs": "OUT",
    "o": "OUT",
    "suspension": "OUT",
    "suspended": "OUT",
    "susp": "OUT",
    "injuredreserve": "OUT",
    "injuryreserve": "OUT",
    "ir": "OUT",
    "inactive": "OUT",
    "ineligible": "OUT",
    "notwithteam": "OUT",
    "nwt": "OUT",
    "doubtful": "DOUBTFUL",
    "d": "DOUBTFUL",
    "questionable": "QUESTIONABLE",
    "q": "QUESTIONABLE",
    "daytoday": "QUESTIONABLE",
    "dd": "QUESTIONABLE",
    "dtd": "QUESTIONABLE",
    "gametimedecision": "QUESTIONABLE",
    "gtd": "QUESTIONABLE",
    "probable": "PROBABLE",
    "p": "PROBABLE",
}
# The same of longer wordings ("Ruled out", "Out (rest)", "Questionable - knee"), the gravest first.
_WORDINGS = (
    (
        "OUT",
        re.compile(r"\b(out(?! of)|not available|unavailable|not play(ing)?|dnp|inactive|suspen\w*|scratch(ed)?)\b"),
    ),
    ("DOUBTFUL", re.compile(r"\b(doubt\w*|unlikely|not expected)\b")),
    ("QUESTIONABLE", re.compile(r"\b(question\w*|day to day|game time)\b")),
    ("PROBABLE", re.compile(r"\b(prob\w*|likely|expected to play)\b")),
)
# Somebody who is listed although he plays.
_AVAILABLE = ("available", "active", "healthy", "cleared")
_CODED = "injurystatus"  # what the names of the coded types begin with
# The feed's own timestamp counts if it is earlier than our fetch and not so old that its clock must
# be wrong.
_PLAUSIBLE = timedelta(days=1)


class InjuryRows:
    """Rows of the players listed; the list is the same whatever the day, so its day is the
    run's.
    """

    def __init__(self, dates: DateRange, problems: Problems) -> None:
        self._problems = problems
        self._tables = InjuryTables()

    def add(self, path: str, content: RawContent) -> None:
        def read(answer: RawAnswer) -> None:
            refused = self._problems.refused
            rows, names_anybody = self._rows(path, answer.body)
            if not rows and self._problems.refused > refused:
                return  # of the people on it not one could be read: it does not say that all play
            snapshot_time = _snapshot_time(answer.body, content.fetched_at)
            # one list of all teams: that it names nobody is an answer without a list
            submitted = {team.abbr: names_anybody for team in TEAMS}
            self._tables.add(path, content, snapshot_time, rows, submitted)

        each_answer(path, content.answers_named("injuries"), self._problems, read, "injuries[].injuries")

    def tables(self) -> dict[str, pa.Table]:
        return self._tables.tables()

    def _rows(self, path: str, body: Any) -> tuple[list[dict[str, Any]], bool]:
        """The rows, and whether the list names anybody.

        Raises ElementRefused where the answer is no list of teams.
        """
        found: list[dict[str, Any]] = []
        listed = self._list_entries(path, body)
        for team_name, entry in listed:
            with self._problems.element(path, f"injuries of {show_value(team_name)}") as notes:
                row = _row(team_name, entry, notes)
                if row is None:
                    self._problems.leave_out("players listed as available")
                    continue
                found.append(row)
        return once_each(found) if listed else [NOBODY], bool(listed)

    def _list_entries(self, path: str, body: Any) -> list[tuple[Any, Any]]:
        """(the team's name, entry) of everybody; a team that cannot be read is named and counts as
        somebody.
        """
        teams = feed_values.require_list(feed_values.require_object(body, "the answer").get("injuries"), "injuries")
        listed: list[tuple[Any, Any]] = []
        unread = 0
        for number, team in enumerate(teams):
            unread += 1
            with self._problems.element(path, f"injuries[{number}]"):
                fields = feed_values.require_object(team, "the team")
                entries = feed_values.require_list(fields.get("injuries"), "injuries")
                listed += [(fields.get("displayName"), entry) for entry in entries]
                unread -= 1
        if unread and not listed:
            raise ElementRefused("no team's list can be read")
        return listed


def _row(team_name: Any, entry: Any, notes: list[str]) -> dict[str, Any] | None:
    """One entry; None where he is listed as available. A team that is unknown is NULL.

    Raises ElementRefused saying what is missing or unknown.
    """
    fields = feed_values.require_object(entry, "an entry")
    athlete = fields.get("athlete")
    given = athlete.get("displayName") if isinstance(athlete, Mapping) else None
    name = natural_order(feed_values.text(given, "athlete.displayName")) if isinstance(given, str) else ""
    if not player_lookup(name):
        raise ElementRefused(f"an entry without athlete.displayName: {show_value(given)}")
    status = _status(fields, name, notes)
    if status is None:
        known = ", ".join(sorted(STATUSES))
        raise ElementRefused(
            f"status of {name} is {show_value(fields.get('status'))}, none of {known}, and no coded type is known"
        )
    if status in _AVAILABLE:
        return None
    team = team_by_name(team_name) if isinstance(team_name, str) else None
    if team_name is not None and team is None:
        notes.append(f"the team of {name} is {show_value(team_name)}, taken as unknown")
    return listed_row(team.abbr if team else None, name, status, _reason(fields, name, notes))


def _status(entry: Mapping[str, Any], name: str, notes: list[str]) -> str | None:
    """Ours of the status word or, where that is unknown, of the coded type; None where no word is
    known.

    "available" of one who plays, which the coded type must not deny: who is listed as out is not
    taken as healthy.
    """
    details = entry.get("details")
    coded = _first(_words_of(entry.get("type"), "name", "description", "abbreviation"))
    status = _first([entry.get("status")])
    if status in _AVAILABLE and coded not in (None, *_AVAILABLE):
        notes.append(
            f"status of {name} is {show_value(entry.get('status'))}, its coded type says {coded}, which counts"
        )
        return coded
    fantasy = details.get("fantasyStatus") if isinstance(details, Mapping) else None
    return status or coded or _first(_words_of(fantasy, "description", "abbreviation"))


def _words_of(fields: Any, *names: str) -> list[Any]:
    return [fields.get(name) for name in names] if isinstance(fields, Mapping) else []


def _first(words: Sequence[Any]) -> str | None:
    """What the first word that is known says."""
    return next((status for status in map(_status_of, words) if status is not None), None)


def _status_of(word: Any) -> str | None:
    """Ours of one word, or "available"; None of one that is unknown."""
    if not isinstance(word, str):
        return None
    folded = "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c))
    letters = re.sub(r"[^a-z]", "", folded).removeprefix(_CODED)
    if letters in STATUSES:
        return STATUSES[letters]
    if letters in _AVAILABLE:
        return _AVAILABLE[0]
    plain = " ".join(re.split(r"[^a-z0-9]+", folded))
    return next((status for status, pattern in _WORDINGS if pattern.search(plain)), None)


def _reason(entry: Mapping[str, Any], name: str, notes: list[str]) -> str | None:
    """Body part and kind of injury where they are given ("Knee, Sprain"), else the feed's short
    comment.

    What cannot be read of it is noted: he is out all the same.
    """
    details = entry.get("details")
    given = [(f"details.{key}", details.get(key)) for key in ("type", "detail")] if isinstance(details, Mapping) else []
    words = [_words(value, f"{what} of {name}", notes) for what, value in given]
    words = [word for word in words if word and word.lower() != "not specified"]
    return ", ".join(words) if words else _words(entry.get("shortComment"), f"shortComment of {name}", notes) or None


def _words(value: Any, what: str, notes: list[str]) -> str:
    if value is None or value == "":
        return ""
    try:
        return feed_values.text(value if not isinstance(value, str) else value[:LONGEST_REASON], what, LONGEST_REASON)
    except ElementRefused as refused:
        notes.append(f"{refused}, taken as missing")
        return ""


def _snapshot_time(body: Mapping[str, Any], fetched_at: datetime) -> datetime:
    """The feed's own time where it can be right, else the fetch's."""
    try:
        stated = feed_values.parse_feed_timestamp(body.get("timestamp"), "timestamp")
    except ElementRefused:
        return fetched_at
    return stated if fetched_at - _PLAUSIBLE <= stated <= fetched_at else fetched_at
