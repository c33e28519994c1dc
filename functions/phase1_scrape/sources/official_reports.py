"""The league's official injury report, a PDF at a name that says when it was published: the newest
that is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from functions.phase1_scrape.failures import GaveUp, WrongShape
from functions.phase1_scrape.fetch import Fetch, Harvest
from functions.phase1_scrape.http_client import Allowance, SourceClient, SourceFile
from shared.core.errors import SourceUnavailable
from shared.nba.feed_values import show_value
from shared.nba.injury_report.names import reports_until
from shared.stores.raw_files import RawFile

SOURCE, KIND = "official", "injury_report"
# The answer's name in a raw file.
RESPONSE = "injury_report"
# Two hours of reports; a run that finds none so far back has ESPN's list.
MOST_REQUESTS = 8
# The end of a PDF stands in its last bytes; writers may add a few after it.
_END = 1024


def fetch_official_report(fetch: Fetch, official: SourceClient, day: date) -> Harvest:
    """The newest report that is there now, kept under the game day it is fetched for.

    Raises SourceUnavailable where none of so many requests brought one.
    """
    earlier = fetch.raw.earlier(SOURCE, KIND, day)
    if day in earlier:
        return Harvest((RawFile(SOURCE, KIND, day, earlier[day], 1),))
    search = _Search()
    report = search.find(official, fetch.now())
    file = fetch.raw.write(SOURCE, KIND, day, fetch.now(), [report.as_response(RESPONSE)], 1)
    return Harvest((file,), notes=search.notes())


@dataclass
class _Search:
    """Asks back from a moment."""

    absent: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """By name, why it could not be had, though it may be there."""

    def find(self, official: SourceClient, moment: datetime) -> SourceFile:
        """Raises SourceUnavailable."""
        allowance = Allowance(MOST_REQUESTS)
        for report in reports_until(moment):
            if allowance.left < 1:
                break
            try:
                found = official.get_file(f"/{report.name}", check_pdf, allowance)
            except GaveUp as error:
                self.failed[report.name] = error.message
                continue
            if found is not None:
                return found
            self.absent.append(report.name)
        raise self._nothing(official.name)

    def _nothing(self, source: str) -> SourceUnavailable:
        says = []
        if self.absent:
            says.append(f"{_span(self.absent)} not there (403 or 404)")
        if self.failed:
            says.append(f"{_span(list(self.failed))} not given, the first so: {next(iter(self.failed.values()))}")
        return SourceUnavailable(
            f"{source}: no report in {MOST_REQUESTS} requests: {'; '.join(says)}",
            next_step="see in a browser whether the league publishes one; if so, it refuses this address: set"
            " PROXY_URL. Until then ESPN's list serves.",
        )

    def notes(self) -> dict[str, str]:
        notes = {}
        if self.absent:
            notes["not_there"] = f"newer reports, {_span(self.absent)} not there yet"
        if self.failed:
            notes["unreadable"] = f"{_span(list(self.failed))} not given: {next(iter(self.failed.values()))}"
        return notes


def _span(names: Sequence[str]) -> str:
    return f"{names[0]} is" if len(names) == 1 else f"{names[0]} back to {names[-1]} are"


def check_pdf(data: bytes) -> None:
    """Raises WrongShape unless it is a PDF from its beginning to its end."""
    if data.lstrip()[:5] != b"%PDF-":
        raise WrongShape(f"no PDF: it begins with {show_value(repr(data[:60]))}")
    if b"%%EOF" not in data[-_END:]:
        raise WrongShape(f"a PDF that is cut short: of its {len(data)} bytes the last are not its end")
