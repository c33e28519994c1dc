"""Any order of findings, people, failing channels and hours: the incidents agree with a model of
them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.core.severity import SEVERITIES, Severity
from shared.operations.actions.signature import Signature
from shared.operations.incidents import acting
from shared.operations.incidents.channels.message import Message, NotDelivered
from shared.operations.incidents.channels.opening import Channels
from shared.operations.incidents.delivering import deliver
from shared.operations.incidents.history import load_alerts
from shared.operations.incidents.life import FLAP_QUIET
from shared.operations.incidents.observing import observe
from shared.operations.incidents.quiet import QuietHours
from shared.operations.incidents.records import Incident
from tests.conftest import MEMORY
from tests.support.embedded import ManualClock
from tests.support.stores import open_stores
from tests.unit.operations.incidents.incident_cases import green_finding, incidents, red_finding

CHECKS, SUBJECTS = ("one", "two"), ("a",)
QUIET = QuietHours.parse("23:00-08:00")
ADA = Signature("ada", "why")
FINGERPRINTS = st.tuples(st.sampled_from(CHECKS), st.sampled_from(SUBJECTS))


class Recorder:
    """A channel that keeps what it takes, with the time; it can be made to fail."""

    name = "slack"

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.fails = False
        self.taken: list[tuple[datetime, Message]] = []

    def send(self, message: Message) -> str:
        if self.fails:
            raise NotDelivered("no", next_step="wait.")
        self.taken.append((self.clock.now(), message))
        return ""


class LifeCycle(RuleBasedStateMachine):
    """The monitor's runs, with what happens in between."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.stack = ExitStack()
        self.clock = ManualClock()
        self.clock.move(hours=3)
        self.runtime = self.stack.enter_context(open_stores(self.folder, self.clock))
        self.channel = Recorder(self.clock)
        opened = Channels({"slack": self.channel}, {})
        target = "shared.operations.incidents.delivering.open_channels"
        self.stack.enter_context(patch(target, lambda _settings: opened))
        self.bad: dict[tuple[str, str], Severity] = {}
        self.rows = 0

    def teardown(self) -> None:
        if not hasattr(self, "stack"):
            return
        self.rows += load_alerts(self.runtime)
        turns = [(each.id, turn["change"], turn["at"]) for each in incidents(self.runtime) for turn in each.turns]
        sql = "SELECT alert_id, change, changed_at FROM nba_monitoring.alerts WHERE raised_on >= @day"
        found = self.runtime.warehouse.query(sql, {"day": datetime(2025, 1, 1).date()}).to_pylist()  # noqa: DTZ001
        assert sorted(tuple(row.values()) for row in found) == sorted(turns)
        assert self.rows == len(turns)
        self.stack.close()
        shutil.rmtree(self.folder)

    @rule(
        bad=st.dictionaries(FINGERPRINTS, st.sampled_from(SEVERITIES), max_size=2),
        checks=st.sampled_from([set(CHECKS), set(CHECKS), {"one"}, set[str]()]),
        says_green=st.booleans(),
        minutes=st.sampled_from([15, 15, 15, 30, 65, 700]),
    )
    def run(self, bad: dict[tuple[str, str], Severity], checks: set[str], says_green: bool, minutes: int) -> None:
        """The pipeline is so now, and the monitor looks."""
        self.clock.move(minutes=minutes)
        self.bad = bad
        findings = [
            red_finding(subject, check=check, severity=severity)
            for (check, subject), severity in self.bad.items()
            if check in checks
        ]
        if says_green:
            pairs = ((check, subject) for check in checks for subject in SUBJECTS)
            findings += [
                green_finding(subject, check=check) for check, subject in pairs if (check, subject) not in self.bad
            ]
        before = {each.fingerprint: each for each in self.open_ones()}
        observe(self.runtime, findings, checks)
        after = {each.fingerprint: each for each in self.open_ones()}
        for check in checks:
            for subject in SUBJECTS:
                self.compare(f"{check}:{subject}", (check, subject) in self.bad, before, after)
        for fingerprint, incident in before.items():
            if incident.check not in checks:
                assert after[fingerprint] == incident
        deliver(self.runtime)

    def compare(self, fingerprint: str, bad: bool, before: dict[str, Incident], after: dict[str, Incident]) -> None:
        if bad:
            assert after[fingerprint].last_seen_at == self.clock.now()
        elif fingerprint in after:  # it flaps: open until it has been green for an hour
            since = after[fingerprint].green_since
            assert before[fingerprint].is_flapping
            assert since is not None
            assert self.clock.now() - since < FLAP_QUIET

    @rule(how=st.sampled_from(["acknowledge", "mute", "unmute", "resolve", "note"]), hours=st.integers(1, 30))
    def act(self, how: str, hours: int) -> None:
        ids = [each.id for each in incidents(self.runtime)][-3:]
        if not ids:
            return
        if how == "mute":
            acting.mute(self.runtime, ids, self.clock.now() + timedelta(hours=hours), ADA)
        else:
            getattr(acting, how)(self.runtime, ids, ADA)

    @rule(fails=st.booleans())
    def break_channel(self, fails: bool) -> None:
        self.channel.fails = fails

    @rule()
    def load(self) -> None:
        self.rows += load_alerts(self.runtime)

    def open_ones(self) -> list[Incident]:
        return [each for each in incidents(self.runtime) if each.is_open]

    @invariant()
    def one_incident_a_cause(self) -> None:
        if hasattr(self, "stack"):
            found = [each.fingerprint for each in self.open_ones()]
            assert len(found) == len(set(found))

    @invariant()
    def one_message_an_incident_and_hour(self) -> None:
        if not hasattr(self, "stack"):
            return
        arrivals: dict[str, list[datetime]] = defaultdict(list)
        for at, message in self.channel.taken:
            for name in message.incidents:
                arrivals[name.rpartition(".")[0]].append(at)
        for times in arrivals.values():
            assert all(later - earlier >= timedelta(hours=1) for earlier, later in pairwise(times))

    @invariant()
    def no_warning_in_quiet_hours(self) -> None:
        if hasattr(self, "stack"):
            for at, message in self.channel.taken:
                assert not (message.title.startswith(("INFO", "WARNING")) and QUIET.contains(at))


TestLifeCycle = LifeCycle.TestCase
TestLifeCycle.settings = settings(max_examples=30, stateful_step_count=40)
