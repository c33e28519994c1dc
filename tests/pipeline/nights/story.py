"""What every night proves: one incident of the cause, people who were sent it, an action that mends
it, and its end, which nobody has to declare.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from shared.core.clock import NEW_YORK
from shared.core.severity import Severity
from shared.operations.checks.causes import FOLLOWS_FROM
from shared.operations.incidents.observing import ABSENT, GREEN
from shared.operations.incidents.records import Incident
from tests.pipeline.nights.night import Night
from tests.pipeline.nights.operator import Operator, Page, Pressed

# A phone shows it without scrolling far.
LONGEST_SENTENCE = 800
MONITORED = timedelta(minutes=15)
OWN = (GREEN, ABSENT)
"""How an incident is resolved by itself."""


def incident_of(night: Night, fingerprint: str) -> Incident:
    """The one open incident; whatever else was seen follows from it or from what does."""
    by_name = {each.fingerprint: each for each in night.incidents()}
    causes = [name for name, each in by_name.items() if FOLLOWS_FROM not in each.figures]
    assert causes == [fingerprint], {name: each.says for name, each in by_name.items()}
    for name, each in by_name.items():
        if name != fingerprint:
            assert each.severity is Severity.INFO, name
            assert each.figures[FOLLOWS_FROM] in by_name, name
    return by_name[fingerprint]


def read_alert(night: Night, incident: Incident) -> str:
    """The one message of Slack and the one mail about it; they say what happened and what to do."""
    title = f"{incident.severity.value.upper()}: {incident.check} {incident.subject}"
    (posted,) = night.list_posts()
    assert posted.splitlines()[0] == f"*{title}*"
    assert any(line.startswith("Next: ") for line in posted.splitlines())
    (mail,) = night.mail.mails
    assert mail["Subject"] == title
    body = mail.get_body(("plain",))
    assert body is not None
    text = " ".join(str(body.get_content()).split())
    assert " ".join(incident.next_step.split())[:200] in text
    night.note("delivered", posted)
    return posted


def read_page(night: Night, operator: Operator, incident: Incident, label: str | None) -> str:
    """Today, Alerts and the incident's own page have it, with the button that mends it; returns the
    button's address.
    """
    today, listed = operator.open("/"), operator.open("/alerts")
    own = operator.open(f"/alerts/{incident.id}")
    for page in (today, listed, own):
        assert " ".join(incident.says.split()) in page.text
        assert " ".join(incident.next_step.split()) in page.text
    night.note(
        "page", f"{today.sentence}\n{own.sentence}\nNext: {incident.next_step}\nbuttons: {', '.join(own.buttons)}"
    )
    if label is None:
        return ""
    assert today.buttons[label] == listed.buttons[label] == own.buttons[label]
    return own.buttons[label]


def read_sentence(night: Night, operator: Operator, incident: Incident, by_itself: str) -> None:
    """Today, `./nba status` and the API say the same: what is wrong since when, what happens by
    itself, and what to press, which is the command's last line; each once.
    """
    sentence = operator.open("/").sentence
    opened = incident.opened_at.astimezone(NEW_YORK)
    assert sentence.startswith(f"{night.day}: {incident.severity} since {opened:%H:%M}: "), sentence
    assert f" By itself: {by_itself}. Next: {' '.join(incident.next_step.split()).rstrip('.')}. So far: " in sentence
    assert sentence.count("By itself: ") == sentence.count("Next: ") == 1, sentence
    assert len(sentence) < LONGEST_SENTENCE
    status, asked = operator.command("status"), operator.command("status", "--json")
    assert (status.code, asked.code) == (1, 1), status
    (day,) = json.loads(asked.out)["days"]
    assert (day["sentence"], day["is_well"], day["incident"]) == (sentence, False, incident.id)
    assert all(cell["next_step"] != f"rerun {cell['phase']} of {night.day}" for cell in day["cells"]), day
    last = status.out.splitlines()[-1]
    assert last.startswith("Next: ./nba ")
    assert last.removeprefix("Next: ").partition(" --dir ")[0] in incident.next_step
    night.note("./nba status", f"{sentence}\n{last}")


def read_command(night: Night, operator: Operator, incident: Incident) -> None:
    """`./nba health` and `./nba alerts` end with 1 and name it, with its next step."""
    health = operator.command("health", "--json")
    assert health.code == 1, health
    found = [each for check in json.loads(health.out)["checks"] for each in check["findings"]]
    (same,) = [each for each in found if (each["check"], each["subject"]) == (incident.check, incident.subject)]
    assert (same["level"], same["next_step"]) == ("red", incident.next_step)
    listed = operator.command("alerts", "--json")
    assert (listed.code, incident.id in listed.out) == (1, True), listed
    night.note("./nba health", " ".join(same["says"].split()))


def press(night: Night, operator: Operator, href: str, why: str) -> Pressed:
    """Press a button to the end of what it starts."""
    pressed = operator.press(href, why)
    night.note(f"pressed: {pressed.action}", f"{pressed.preview}\n{pressed.outcome}")
    return pressed


def read_end(night: Night, operator: Operator, incident: Incident) -> None:
    """Nothing is open, its own check resolved it at the first look, and who was sent it is sent its
    end as soon as its hour is over.
    """
    found = {each.id: each for each in night.incidents()}
    assert [each.fingerprint for each in found.values() if each.is_open] == []
    assert {each.resolution for each in found.values()} <= set(OWN)
    assert sum(each.severity is not Severity.INFO for each in found.values()) == 1
    assert night.embedded.clock.now() - _end_of(found[incident.id]) < MONITORED
    night.go_on(hours=1)
    title = f"RESOLVED: {incident.check} {incident.subject}"
    assert night.list_posts()[-1].splitlines()[0] == f"*{title}*"
    assert [each for each in night.list_mails() if each.startswith("RESOLVED")] == [title]
    health = operator.command("health")
    assert health.code == 0, health.out
    today = operator.open("/")
    assert "<li>\n    <div>" not in today.html, "somebody is to look at something"
    assert today.sentence.startswith(f"{night.day}: 1 game, ")
    assert "players predicted, exported" in today.sentence
    assert "it was loaded as history" in today.text, "yesterday"
    status = operator.command("status")
    assert (status.code, "Next: " in status.out) == (0, False), status
    night.note("resolved", f"{night.list_posts()[-1]}\n{today.sentence}")


def _end_of(incident: Incident) -> datetime:
    assert incident.resolved_at is not None
    return incident.resolved_at


def read_audit(night: Night, operator: Operator, why: str, of: str = "") -> dict[str, Any]:
    """The audit has who, why, what and what came of it: in the state, in the warehouse, on the
    page. `of` is in the details of the row that is meant, where one press wrote several.
    """
    rows = night.rows(
        "SELECT action, who, reason, details, outcome FROM nba_monitoring.audit_log WHERE acted_on >= @day",
        day=night.day,
    )
    (row,) = [each for each in rows if each["reason"] == why and of in each["details"]]
    page: Page = operator.open("/audit")
    assert why in page.text
    assert row["who"]
    assert row["outcome"] in page.text
    night.note("audit", json.dumps(row))
    return row
