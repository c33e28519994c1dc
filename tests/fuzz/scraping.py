"""Phase 1 whole, its sources in this process: one of them answers with something mutated, and a run
ends as it should.

It ends in an outcome, or in SourceUnavailable where what the run stands on cannot be had: never in
another error.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from functions.phase1_scrape.fetch import SOURCES
from functions.phase1_scrape.scrape import run as scrape
from local.embedded.file_blobs import FileBlobs
from shared.chain.messages.messages import Mode, PhaseMessage
from shared.chain.resilience.circuit_breaker import COLLECTION, name_of
from shared.core.errors import SourceUnavailable
from shared.stores.raw_files import decode_raw
from shared.stores.runtime import Runtime
from tests.fuzz.mutations import mutate, mutate_bytes
from tests.pipeline.test_scrape_faults import MORNING
from tests.support.embedded import ManualClock
from tests.support.fake_sources import DAY, FakeSources, draw_lists, settings_for
from tests.support.stores import context_of, open_stores

# By mode, what it asks for.
ASKED: dict[Mode, Sequence[str]] = {
    "same_day": ("schedule", "official", "events", "live_odds", "injuries"),
    "results": ("schedule", "box P", "box T"),
    "backfill": ("schedule", "official", "box P", "events", "event_odds"),
}
_HEADERS = ("x-requests-remaining", "x-requests-used", "Retry-After", "Content-Type")
_NONSENSE = ("", "-", "unlimited", "²", "1e400", "9" * 400, "nan", "text/html; charset=hex", "Fri, 99 Nov 99999", "3")
_STATUSES = (200, 200, 200, 200, 200, 200, 401, 404, 422, 429, 500, 302, 204)


@dataclass
class Tally:
    outcomes: Counter[str] = field(default_factory=Counter)
    named: int = 0
    """Runs whose notes name what was left out."""


class _Fuzzed(httpx.BaseTransport):
    """The sources of one day; the one that is `odd` answers as it was told."""

    def __init__(self) -> None:
        self.sources = FakeSources()
        self.odd = ""
        self.response: tuple[int, bytes, dict[str, str]] = (200, b"", {})

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path, params = request.url.path, dict(request.url.params)
        name, event = self.sources._name(path, params)
        if name == self.odd:
            status, body, headers = self.response
            return httpx.Response(status, content=body, headers=headers)
        value = self.sources._value(name, event, params)
        if isinstance(value, bytes):
            return httpx.Response(200, content=value)
        return httpx.Response(404) if value is None else httpx.Response(200, json=value)

    def mutate(self, name: str, random_: random.Random) -> None:
        self.odd = name
        event = "event0" if name in ("live_odds", "event_odds") else ""
        if name == "official":
            body = mutate_bytes(draw_lists(MORNING), random_)
        else:
            sample = self.sources._value(name, event, {"date": "x"} if self.past else {})
            body = json.dumps(mutate(json.dumps(sample).encode(), random_, random_.choice((1, 1, 2, 4)))).encode()
        if random_.random() < 0.05:
            at = random_.randrange(len(body) + 1)
            body = (
                body[:at] + random_.choice((b"", b"\xff", b"\x00", b"[" * 2000)) + body[at + random_.choice((0, 1)) :]
            )
        headers = {}
        if random_.random() < 0.3:
            value = random_.choice(_NONSENSE).encode().decode("latin-1")
            headers = {random_.choice(_HEADERS): value}
        self.response = random_.choice(_STATUSES), body, headers

    past = False


@contextmanager
def open_runtime(folder: Path) -> Iterator[tuple[Runtime, _Fuzzed, ManualClock]]:
    transport, clock = _Fuzzed(), ManualClock(MORNING)
    with open_stores(folder, clock, settings=settings_for("http://feed", http_attempts=1)) as runtime:
        yield replace(runtime, source_transport=transport), transport, clock


def fuzz(folder: Path, inputs: int, seed: int) -> Tally:
    """Play so many runs, each a run of its own with one answer mutated."""
    random_, tally = random.Random(seed), Tally()
    with open_runtime(folder) as (runtime, transport, clock):
        for number in range(inputs):
            mode = random_.choice(list(ASKED))
            transport.sources.final = mode != "same_day"
            transport.past = mode == "backfill"
            moment = MORNING if mode == "same_day" else MORNING.replace(day=16)
            clock.move(seconds=(moment - clock.now()).total_seconds())
            transport.mutate(random_.choice(ASKED[mode]), random_)
            for source in SOURCES:
                runtime.state.delete(f"{COLLECTION}/{name_of('source', source)}")
            runtime = replace(runtime, raw=FileBlobs(folder / f"raw-{number}"))
            context = context_of(runtime, "phase1_scrape", DAY, mode=mode, run_id=f"run-{number}", attempt=5)
            try:
                outcome = scrape(PhaseMessage(game_date=DAY), context)
            except SourceUnavailable as error:
                str(error).encode()
                tally.outcomes["unavailable"] += 1
                continue
            json.dumps([outcome.reason, outcome.metadata], ensure_ascii=False, allow_nan=False).encode()
            for file in outcome.metadata["files"]:
                decode_raw(file["path"], runtime.raw.read(file["path"]).data)
            tally.outcomes[outcome.status] += 1
            tally.named += any("unreadable" in note for note in outcome.metadata["notes"].values())
    return tally
