"""What every source of one execution works with: its clients, the clock, and the raw bucket, where
a file is written once and a retry of the same execution finds what it already has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, TypeVar, get_args

from functions.phase1_scrape.http_client import SourceClient
from functions.phase1_scrape.source_breaker import SourceBreaker
from shared.chain.execution.context import Context
from shared.core.errors import PreconditionFailed
from shared.core.settings import Settings
from shared.nba.odds_markets import choose_markets
from shared.stores.ports import Blobs
from shared.stores.raw_files import (
    CONTENT_TYPE,
    RawContent,
    RawFile,
    Response,
    decode_raw,
    encode_raw,
    parse_raw_path,
    parse_snapshot_time,
    raw_folder,
    raw_path,
)

T = TypeVar("T")
# As they are named in raw paths and by their breakers: one a host.
Source = Literal["nba", "odds_api", "espn", "zones", "official"]
SOURCES: tuple[Source, ...] = get_args(Source)

# NBA.com answers requests that look like its own pages and leaves others hanging until they time
# out.
NBA_HEADERS = {
    "Accept": "application/json, text/plain, */*",
    "Accept-Language": "en-US,en;q=0.9",
    "Origin": "https://www.nba.com",
    "Referer": "https://www.nba.com/",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0",
    "x-nba-stats-origin": "stats",
    "x-nba-stats-token": "true",
}
# The store of the league's files refuses programs in places where it answers a browser.
FILE_HEADERS = {name: NBA_HEADERS[name] for name in ("Accept-Language", "User-Agent")}


@dataclass(frozen=True)
class Harvest:
    """What a source gave.

    `failure` says what it lacks although files were written; `notes` are for people.
    """

    files: tuple[RawFile, ...] = ()
    failure: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


class RawWriter:
    """The raw bucket as one execution sees it."""

    def __init__(self, blobs: Blobs, run_id: str, key: str) -> None:
        self._blobs = blobs
        self._run_id = run_id
        self._key = key

    def earlier(self, source: str, kind: str, game_date: date | None = None) -> dict[date, str]:
        """Paths that an earlier attempt of this execution wrote, by day (of one day, or of all)."""
        ending = f"-{self._key}.json.gz"
        paths = self._blobs.list(raw_folder(source, kind, game_date))
        return {parse_raw_path(path)[2]: path for path in paths if path.endswith(ending)}

    def snapshots(self, source: str, kind: str, now: datetime, game_date: date | None = None) -> list[str]:
        """Paths that any execution wrote up to now, oldest first; a later one is of a time that is
        played again.
        """
        found = ((parse_snapshot_time(path), path) for path in self._blobs.list(raw_folder(source, kind, game_date)))
        return [path for moment, path in sorted((m, p) for m, p in found if m is not None and m <= now)]

    def read(self, path: str) -> RawContent:
        return decode_raw(path, self._blobs.read(path).data)

    def write(
        self,
        source: str,
        kind: str,
        game_date: date,
        fetched_at: datetime,
        responses: Sequence[Response],
        rows: int,
        failed: Mapping[str, str] | None = None,
        *,
        part: int = 0,
    ) -> RawFile:
        """Write a file that must not be there yet; one that is there was written by this execution
        and stays.

        `part` tells files apart of which each adds to those before it.
        """
        path = raw_path(source, kind, game_date, fetched_at, f"{self._key}-{part}" if part else self._key)
        data = encode_raw(source, kind, game_date, self._run_id, fetched_at, responses, failed or {})
        # It is there when the answer to a write was lost and the client wrote again: same key and
        # second, same content.
        with suppress(PreconditionFailed):
            self._blobs.write(path, data, content_type=CONTENT_TYPE, if_generation=0)
        return RawFile(source, kind, game_date, path, rows)


@dataclass(frozen=True)
class Fetch:
    """One execution's surroundings; `zones` and `official` are None where not configured."""

    nba: SourceClient
    odds: SourceClient
    espn: SourceClient
    zones: SourceClient | None
    official: SourceClient | None
    raw: RawWriter
    now: Callable[[], datetime]
    breakers: Mapping[Source, SourceBreaker]
    markets: Sequence[str]
    """What The Odds API is asked for of an event."""
    use_kept: bool = False
    """Whether files of earlier executions serve where they have what is asked for."""

    def watch(self, source: Source, task: Callable[[], T]) -> Callable[[], T]:
        """A task that asks one source for something: one success or one failure of the source's
        breaker.
        """
        return self.breakers[source].watch(task)


@contextmanager
def open_fetch(context: Context, *, use_kept: bool = False) -> Iterator[Fetch]:
    """Clients of all sources; closed at the end.

    Raises ConfigError where ODDS_STATS names what is no statistic.
    """
    runtime = context.runtime
    settings: Settings = runtime.settings
    markets = choose_markets(settings.odds_stats)
    now = runtime.clock.now
    trial = timedelta(seconds=context.function.lease_seconds)
    breakers = {source: SourceBreaker(runtime, source, context.execution_id, trial) for source in SOURCES}
    with ExitStack() as stack:

        def client(source: Source, name: str, base_url: str, **options: object) -> SourceClient:
            opened = SourceClient(
                name,
                base_url,
                settings,
                now,
                transport=runtime.source_transport,
                before_request=breakers[source].before_request,
                **options,  # type: ignore[arg-type]
            )
            stack.callback(opened.close)
            return opened

        reports = settings.official_reports_base_url
        yield Fetch(
            nba=client("nba", "NBA.com", settings.nba_base_url, headers=NBA_HEADERS, proxy=settings.proxy_url),
            odds=client("odds_api", "The Odds API", settings.odds_base_url, secret={"apiKey": settings.odds_api_key}),
            espn=client("espn", "ESPN", settings.espn_base_url),
            zones=client("zones", "shot zones", settings.zones_base_url) if settings.zones_base_url else None,
            official=client(
                "official", "official injury report", reports, headers=FILE_HEADERS, proxy=settings.proxy_url
            )
            if reports
            else None,
            raw=RawWriter(runtime.raw, context.run_id, _key(runtime.epoch, context.execution_id)),
            now=now,
            breakers=breakers,
            markets=markets,
            use_kept=use_kept,
        )


def _key(epoch: int, execution_id: str) -> str:
    """Short, safe in a path, the same for every attempt of an execution; a repeated simulation
    fetches anew.
    """
    return hashlib.sha256(f"{epoch}:{execution_id}".encode()).hexdigest()[:12]
