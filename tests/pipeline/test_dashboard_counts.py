"""What a page asks of the stores: so many statements, documents and objects, and of an exported
file of megabytes its start alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pytest
from flask.testing import FlaskClient

from functions.dashboard.app import create_app
from functions.dashboard.identity import LOCAL_USER
from shared.core.pipeline import load_pipeline
from shared.operations.contracts.exported import START_BYTES
from tests.support.counted_ports import CountedStores
from tests.support.prediction_tables import DAY, Evening
from tests.support.stores import reset_counts
from tests.unit.operations.status.world import make_whole, open_copy, play

HTML = {"Accept": "text/html"}
LISTS = ("v1/predictions/", "v1/results/")
A_MEGABYTE = 1_000_000


class Budget(NamedTuple):
    """At most so many."""

    statements: int
    state: int
    objects: int


# Five pointers are one for all dates, and the evening has four players' files.
OF_A_DATE, OF_ALL = 3, 5 + 4
# Of schedules that never fired, as here all but one: their firings are looked for by phase, thirty
# a query, and what ran instead by phase and date.
OF_SCHEDULES = 30
# Lists of the looks at which the state store did not answer, of yesterday and today.
OF_OUTAGES = 2
PAGES = {
    "/": Budget(9, OF_SCHEDULES + 20, 2 * OF_A_DATE + OF_ALL + 2 + OF_OUTAGES),
    "/grid": Budget(4, 10, 14 * OF_A_DATE + OF_ALL),
    f"/dates/{DAY}/phases/phase4": Budget(5, 15, OF_A_DATE + OF_ALL),
    f"/dates/{DAY}/phases/phase6": Budget(5, 15, OF_A_DATE + OF_ALL),
    f"/batches/batch_{DAY}_r1": Budget(2, 2, 0),
    f"/dates/{DAY}/players/p1": Budget(4, 1, 1),
    "/queues": Budget(0, 6, 0),
    "/alerts": Budget(0, 2, 0),
    "/backfill": Budget(0, 2, 0),
    "/latency": Budget(5, 0, 0),
    "/accuracy": Budget(2, 0, 0),
    "/health": Budget(5, OF_SCHEDULES, 1 + OF_OUTAGES),
    "/audit": Budget(0, 1, 0),
}


@dataclass
class Counted:
    """An evening that was played, its pages, and what they ask."""

    evening: Evening
    stores: CountedStores
    client: FlaskClient

    def ask(self, path: str) -> Budget:
        reset_counts(self.evening.warehouse)
        self.stores.reset()
        response = self.client.get(path, headers=HTML)
        assert response.status_code == 200, response.text
        counts = self.evening.warehouse.statement_counts
        return Budget(
            counts.get("query", 0) + counts.get("execute", 0), self.stores.state_reads, self.stores.blob_reads
        )


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """The evening with its results and grades; its files of lists have a megabyte each."""
    folder = make_whole(tmp_path_factory.mktemp("whole") / "state")
    with open_copy(folder, tmp_path_factory.mktemp("played") / "state") as opened:
        play(opened)
        exports = opened.runtime.exports
        for path in [path for path in exports.list("v1/") if path.startswith(LISTS)]:
            whole = {**json.loads(exports.read(path).data), "more": "x" * A_MEGABYTE}
            data = json.dumps(whole, separators=(",", ":")).encode()
            exports.write(path, data, content_type="application/json")
        stores = CountedStores.of(opened.runtime)
        client = create_app(lambda: stores.runtime, load_pipeline()).test_client()
        client.environ_base[LOCAL_USER] = "ada"
        yield Counted(opened, stores, client)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_no_more_than_this(counted: Counted, path: str) -> None:
    found, most = counted.ask(path), PAGES[path]
    assert all(asked <= allowed for asked, allowed in zip(found, most, strict=True)), (found, most)


@pytest.mark.parametrize("path", [*PAGES, "/grid?days=40"])
def test_no_page_reads_a_file_of_lists(counted: Counted, path: str) -> None:
    counted.ask(path)
    exports = counted.stores.buckets["exports"]
    assert [place for method, place in exports.calls if method == "read" and place.startswith(LISTS)] == []
    read = {place: size for place, size in exports.bytes_read.items() if place.startswith(LISTS)}
    # the first page is the grid and the checks, asked side by side: a check reads the start as well
    most = 2 if path == "/" else 1
    assert all(size <= most * START_BYTES for size in read.values()), read
    assert max(exports.calls.values(), default=0) <= most, "each file once"
    # and it does look at them, where it says whether they are there
    if path.startswith("/grid"):
        assert read[f"v1/predictions/{DAY}.json"] == read[f"v1/results/{DAY}.json"] == START_BYTES


def test_what_the_grid_asks_grows_by_three_files_a_date_and_by_queries_for_thirty(counted: Counted) -> None:
    found = {days: counted.ask(f"/grid?to={DAY}&days={days}") for days in (1, 14, 30, 40)}
    assert {asked.statements for asked in found.values()} == {4}
    assert found[1].state == found[14].state == found[30].state
    # three queries of executions and one of batches
    assert found[40].state == found[30].state + 4
    assert {days: asked.objects - OF_A_DATE * days for days, asked in found.items()} == dict.fromkeys(
        found, found[1].objects - OF_A_DATE
    )
