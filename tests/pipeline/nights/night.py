"""A night on the embedded runtime: every schedule fires as it falls due, sources can be broken, and
people have real channels.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from local.host.runtime import EmbeddedRuntime, open_runtime, replay_app
from local.replay import Archive
from shared.core.clock import at_new_york
from shared.core.errors import StoreUnavailable
from shared.core.pipeline import load_pipeline
from shared.operations.incidents.records import COLLECTION as INCIDENTS
from shared.operations.incidents.records import Incident
from shared.stores.runtime import Runtime, use_runtime
from tests.support.alert_receivers import PASSWORD, USER, Hook, MailBox, hook, mail_box

PIPELINE = load_pipeline()
# What a deployed pipeline knows itself by: here, too, every schedule is fired.
DEPLOYED = {"RAW_BUCKET": "raw", "EXPORTS_BUCKET": "exports", "MODELS_BUCKET": "models"}


@dataclass
class Sources:
    """The replay's answers, but for what is broken: by a part of the path a status and a body."""

    replay: WSGIApplication
    broken: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        found = next((answer for part, answer in self.broken.items() if part in path), None)
        if found is None:
            return self.replay(environ, start_response)
        status, body = found
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


class Scheduler:
    """Publishes what pipeline.yaml's schedules publish, each at its time, also where a retry lets
    the clock jump over it.
    """

    def __init__(self, embedded: EmbeddedRuntime, now: datetime) -> None:
        self._embedded, self._fired_until = embedded, now
        self._advance = embedded.clock.advance_to
        self.silent: set[str] = set()
        """Schedules that do not fire."""
        embedded.clock.advance_to = self.advance_to  # type: ignore[method-assign]

    def advance_to(self, moment: datetime) -> None:
        """Move the clock to a moment, or to the next firing before it, and fire that."""
        due = self._next_due(moment)
        if due is None:
            self._fired_until = max(self._fired_until, moment)
            self._advance(moment)
            return
        at, names = due
        self._fired_until = at
        self._advance(at)
        for name in names:
            self.fire(name)

    def fire(self, name: str) -> None:
        """Publish a schedule's message now."""
        schedule, now = PIPELINE.schedules[name], self._embedded.clock.now()
        self._embedded.bus.publish(
            schedule.topic,
            json.dumps(schedule.message).encode(),
            {"schedule": name},
            message_id=f"{name}-{now:%Y%m%dT%H%M%S}",
        )

    def _next_due(self, until: datetime) -> tuple[datetime, list[str]] | None:
        found: dict[datetime, list[str]] = {}
        for name, schedule in PIPELINE.schedules.items():
            at = schedule.times.next(self._fired_until)
            if name not in self.silent and at <= until:
                found.setdefault(at, []).append(name)
        return min(found.items(), default=None)


class StateUntil:
    """A state store that does not answer before a time."""

    def __init__(self, runtime: Runtime, back_at: datetime) -> None:
        self._runtime, self._back_at = runtime, back_at

    def __getattr__(self, name: str) -> Any:
        if self._runtime.clock.now() < self._back_at:
            raise StoreUnavailable("the connection was lost.", next_step="look at its status.")
        return getattr(self._runtime.state, name)


@dataclass
class Night:
    """An open runtime at some time of a game day, and who is sent its alerts."""

    embedded: EmbeddedRuntime
    day: date
    sources: Sources
    scheduler: Scheduler
    slack: Hook
    mail: MailBox
    transcript: list[str] = field(default_factory=list)

    def until(self, hour: int, minute: int, days: int = 0) -> None:
        """Play to a New York time: what falls due is fired and seen through, retries included."""
        self._play(at_new_york(self.day + timedelta(days=days), time(hour, minute)))

    def go_on(self, **by: float) -> None:
        """Play on for so long."""
        self._play(self.embedded.clock.now() + timedelta(**by))

    def _play(self, end: datetime) -> None:
        while self.embedded.clock.now() < end:
            self.scheduler.advance_to(end)
            self.embedded.run_until_idle()

    def take_state_down(self, **for_: float) -> None:
        """From now on the state store does not answer, for so long."""
        runtime = self.embedded.runtime
        state: Any = StateUntil(runtime, runtime.clock.now() + timedelta(**for_))
        self.embedded.runtime = replace(runtime, state=state)
        use_runtime(self.embedded.runtime)

    def incidents(self) -> list[Incident]:
        """Every incident there ever was."""
        found = map(Incident.from_document, self.embedded.runtime.state.query(INCIDENTS))
        return sorted(found, key=lambda each: (each.opened_at, each.id))

    def list_posts(self) -> list[str]:
        """Texts that Slack was sent, oldest first."""
        return [json.loads(body)["text"] for _, _, body in self.slack.posts]

    def list_mails(self) -> list[str]:
        """Subjects of the mails that came."""
        return [str(each["Subject"]) for each in self.mail.mails]

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.embedded.warehouse.query(sql, params).to_pylist()
        return found

    def note(self, title: str, text: str) -> None:
        """Keep a part of the transcript."""
        self.transcript.append(f"-- {title}\n{text}")


def settings_of(slack: Hook, mail: MailBox) -> Mapping[str, str]:
    """The environment of a deployment whose people read Slack and mail."""
    return {
        **DEPLOYED,
        "SLACK_WEBHOOK": slack.address,
        "SMTP_HOST": "localhost",
        "SMTP_PORT": str(mail.port),
        "SMTP_USER": USER,
        "SMTP_PASSWORD": PASSWORD,
        "EMAIL_FROM": "nba@example.com",
        "EMAIL_TO": "ada@example.com",
        "ALERT_CA_FILE": mail.ca_file,
        "ALERT_CHANNELS": "slack:warning, email:error",
        "QUIET_HOURS": "",
        "HTTP_ATTEMPTS": "1",
    }


def day_of(archive: Archive) -> date:
    """The last day with games whose day before has some, too: results are due on it."""
    days = archive.game_days(archive.season_of(archive.last_date))
    return max(day for day in days if day - timedelta(days=1) in days)


@contextmanager
def open_night(folder: Path, archive: Archive, scratch: Path) -> Iterator[Night]:
    """Open a state folder as a deployment that begins to be watched now."""
    with ExitStack() as stack:
        slack, mail = stack.enter_context(hook()), stack.enter_context(mail_box(scratch / "mail"))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in settings_of(slack, mail).items():
            patch.setenv(name, value)
        embedded = stack.enter_context(open_runtime(folder, archive=archive.folder))
        sources = Sources(replay_app(embedded.stores, archive.folder))
        embedded.server.mount("/replay", sources)
        scheduler = Scheduler(embedded, embedded.clock.now())
        yield Night(embedded, day_of(archive), sources, scheduler, slack, mail)
