"""What the channels send to real servers, and what they say of those that fail."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.core.redaction import protect
from shared.core.secret_settings import protect_hook
from shared.core.settings import Settings
from shared.operations.incidents.channels import message as channel_message
from shared.operations.incidents.channels import posting
from shared.operations.incidents.channels.mail import Mail
from shared.operations.incidents.channels.message import Channel, Message, NotDelivered
from shared.operations.incidents.channels.opening import open_channels
from shared.operations.incidents.channels.slack import LONGEST, Slack
from shared.operations.incidents.channels.webhook import WebHook, sign
from tests.support.alert_receivers import PASSWORD, USER, MailBox, hook, mail_box
from tests.support.socket_source import Script, make_head, saying

AT = datetime(2025, 11, 14, 22, 30, tzinfo=UTC)
MESSAGE = Message("latency-1.slack.1", "ERROR: latency 2025-11-14", "Graded 7 h late.\nNext: look.", AT, ("latency-1",))
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second for a receiver that never answers."""
    for module in (channel_message, posting):
        monkeypatch.setattr(module, "SECONDS", 0.5)
    monkeypatch.setattr("shared.operations.incidents.channels.mail.SECONDS", 0.5)


def make_mail(box: MailBox, **changes: object) -> Mail:
    mail = Mail("localhost", box.port, "nba@example.com", ("ada@example.com",), USER, PASSWORD, box.ca_file)
    return replace(mail, **changes)  # type: ignore[arg-type]  # fields of Mail


def fail(channel: Channel, message: Message = MESSAGE) -> NotDelivered:
    with pytest.raises(NotDelivered) as failed:
        channel.send(message)
    return failed.value


# --- Slack ----------------------------------------------------------------------------------------


def test_slack_is_sent_a_text_in_which_nothing_means_anything() -> None:
    odd = replace(
        MESSAGE, title="ERROR: *a* _b_ ~c~ `d` player_lines __e _ <!channel>", body="a & b <https://x|y> <@U1>"
    )
    with hook() as receiver:
        assert Slack(receiver.address).send(odd) == ""
    ((path, headers, body),) = receiver.posts
    assert path == "/services/T0AAAAA1B/B0CCCCC2D/zQ9xYw8vUt7s"
    assert headers["Idempotency-Key"] == MESSAGE.id
    assert json.loads(body) == {
        "text": "*ERROR: a b c d player_lines e  &lt;!channel&gt;*\na &amp; b &lt;https://x|y&gt; &lt;@U1&gt;",
        "mrkdwn": True,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def test_a_text_too_long_for_slack_is_cut_between_escapes() -> None:
    for shift in range(6):
        with hook() as receiver:
            Slack(receiver.address).send(replace(MESSAGE, body="x" * shift + "<" * LONGEST))
        text = json.loads(receiver.posts[0][2])["text"]
        assert len(text) <= LONGEST
        assert text.endswith("&lt; ...")


# --- web-hook -------------------------------------------------------------------------------------


def test_a_web_hook_is_signed_so_that_its_receiver_can_check_it() -> None:
    with hook() as receiver:
        WebHook(receiver.address, KEY).send(replace(MESSAGE, body='{"name": "Dončić"}'))
    ((_, headers, body),) = receiver.posts
    assert json.loads(body) == {"name": "Dončić"}
    assert (headers["X-Alert-Id"], headers["Content-Type"]) == (MESSAGE.id, "application/json")
    assert int(headers["X-Alert-Timestamp"]) == AT.timestamp()
    signed = headers["X-Alert-Timestamp"].encode() + b"." + body
    assert headers["X-Alert-Signature"] == "v1=" + hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
    # RFC 2104 by hand, for one value that never changes
    assert sign("key", 1, b"{}") == "v1=" + hmac.digest(b"key", b"1.{}", "sha256").hex()


# --- e-mail ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_mail_is_encrypted(tmp_path: Path, tls: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # the server knows a login with STARTTLS alone
    with mail_box(tmp_path, tls=tls, login=tls == "starttls") as box:
        user = USER
        if tls == "implicit":
            user = ""
            monkeypatch.setattr("shared.operations.incidents.channels.mail.TLS_PORT", box.port)
        assert make_mail(box, receivers=("ada@example.com", "eve@example.com"), user=user).send(MESSAGE) == ""
    (mail,) = box.mails
    assert box.encrypted == [True]
    assert (mail["From"], mail["To"]) == ("nba@example.com", "ada@example.com, eve@example.com")
    assert mail["Subject"] == "ERROR: latency 2025-11-14"
    assert mail.get_content().replace("\r\n", "\n") == "Graded 7 h late.\nNext: look.\n"
    assert mail["Date"] == "Fri, 14 Nov 2025 22:30:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"


def test_mails_of_one_incident_are_one_thread_and_an_attempt_repeats_its_id(tmp_path: Path) -> None:
    with mail_box(tmp_path) as box:
        for one in (MESSAGE, MESSAGE, replace(MESSAGE, id="latency-1.email.2")):
            make_mail(box).send(one)
    ids = [mail["Message-ID"] for mail in box.mails]
    assert ids[0] == ids[1] != ids[2]
    assert len({mail["References"] for mail in box.mails}) == 1


def test_no_line_of_a_text_becomes_a_header(tmp_path: Path) -> None:
    odd = replace(MESSAGE, title="ERROR: x\r\nBcc: eve@example.com\n\nbody", body="a\r\n.\r\nQUIT\r\nb")
    with mail_box(tmp_path) as box:
        make_mail(box).send(odd)
    (mail,) = box.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == "ERROR: x Bcc: eve@example.com body"
    assert mail.get_content().replace("\r\n", "\n") == "a\n.\nQUIT\nb\n"


def test_a_receiver_that_is_refused_is_named_and_the_others_get_it(tmp_path: Path) -> None:
    both = ("ada@example.com", "gone@example.com")
    with mail_box(tmp_path) as box:
        box.refusals = {"gone@example.com": "550 no such box"}
        assert make_mail(box, receivers=both).send(MESSAGE) == "refused: gone@example.com"
        assert len(box.mails) == 1
        error = fail(make_mail(box, receivers=both[1:]))
    assert error.message == "The mail server refuses gone@example.com."


def test_what_is_wrong_with_a_mail_server_is_named_without_the_password(tmp_path: Path) -> None:
    with mail_box(tmp_path) as box:
        wrong = fail(make_mail(box, password="an0ther-passw0rd"))
        unknown = fail(make_mail(box, authorities=""))
        box.data_answer = "452 the disk is full"
        full = fail(make_mail(box))
        unreadable = fail(make_mail(box, authorities=str(tmp_path / "absent.pem")))
    assert wrong.message == "The mail server refuses the login (535)."
    assert unknown.message.startswith("The mail server has a certificate that is not trusted: self-signed certificate")
    assert full.message == "The mail server answered 452: the disk is full."
    assert unreadable.message.startswith("ALERT_CA_FILE=")
    assert not box.mails
    assert "passw0rd" not in "".join(str(each) for each in (wrong, unknown, full))


def test_mail_without_encryption_stays_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_box(tmp_path, tls="none", login=False) as box:
        make_mail(box, user="", password="").send(MESSAGE)
        assert box.encrypted == [False]
        monkeypatch.setattr("shared.operations.incidents.channels.mail.is_this_machine", lambda host: False)
        assert fail(make_mail(box)).message == "The mail server offers no STARTTLS."
    assert len(box.mails) == 1


# --- receivers that fail --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "alone"), [(500, False), (404, False), (400, True), (302, False), (429, False), (204, None)]
)
def test_an_answer_that_is_not_yes_is_named_with_its_beginning(status: int, alone: bool | None) -> None:
    with hook() as receiver:
        receiver.statuses, receiver.answer = (
            [status],
            b"no_service \x1b[31m" + b"x" * 10_000 if alone is not None else b"",
        )
        receiver.headers = {"Retry-After": "90", "Location": "http://127.0.0.1:1/"}
        if alone is None:
            assert Slack(receiver.address).send(MESSAGE) == ""
            return
        error = fail(Slack(receiver.address))
    assert error.message.startswith(f"slack answered {status}: no_service xxx")
    assert (error.alone, error.wait, len(error.message) < 200) == (alone, timedelta(seconds=90), True)
    assert len(receiver.posts) == 1


def test_no_error_quotes_the_address() -> None:
    with hook() as receiver:
        protect_hook(receiver.address)
        receiver.statuses, receiver.answer = [500], receiver.address.encode()
        error = fail(Slack(receiver.address))
    assert "zQ9xYw8vUt7s" not in str(error)
    dead = fail(Slack(receiver.address))
    assert dead.message == "slack gave no answer (ConnectError)."
    assert "zQ9x" not in repr(Slack(receiver.address)) + repr(WebHook(receiver.address, KEY))


def drip() -> Script:
    yield b"HTTP/1.1 200 OK\r\n"
    for _ in range(100):
        yield 0.1
        yield b"X: y\r\n"


def silence() -> Script:
    yield 30.0


def stop_midway() -> Script:
    yield make_head("Content-Length: 100", status="500 Broken") + b"abc"


@pytest.mark.parametrize(
    ("script", "names"),
    # who hangs up before he has read everything resets the connection, or only ends it
    [(drip, ["ReadTimeout"]), (silence, ["ReadTimeout"]), (stop_midway, ["RemoteProtocolError", "ReadError"])],
)
def test_a_slow_or_broken_receiver_is_left_in_time(quick: None, script: Callable[[], Script], names: list[str]) -> None:
    with saying(script) as address:
        error = fail(Slack(f"{address}/hook"))
    assert error.message in [f"slack gave no answer ({name})." for name in names]


def smtp_drip() -> Script:
    for _ in range(100):
        yield b"2"
        yield 0.1


@pytest.mark.parametrize("script", [smtp_drip, silence])
def test_a_slow_mail_server_is_left_in_time(quick: None, script: Callable[[], Script]) -> None:
    with saying(script, listens_first=False) as address:
        port = int(address.rpartition(":")[2])
        error = fail(Mail("127.0.0.1", port, "nba@example.com", ("ada@example.com",)))
    assert error.message == "The mail server gave no answer (SMTPServerDisconnected)."


def test_a_name_that_is_looked_up_for_ever_is_left_in_time(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def look_up(*_arguments: Any, **_options: Any) -> list[Any]:
        over.wait(20)
        return []

    monkeypatch.setattr(channel_message, "_GRACE", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        error = fail(Slack("https://hooks.example.com/x"))
        assert error.message == "slack did not answer within 0.5 s."
    finally:
        over.set()
        for thread in threading.enumerate():
            if thread.name == "alert-slack":
                thread.join()


# --- settings -------------------------------------------------------------------------------------

GOOD = Settings(
    slack_webhook="https://hooks.slack.com/services/T0/B0/x",
    alert_webhook="https://alerts.example.com/hook?token=abc",
    webhook_key=KEY,
    smtp_host="mail.example.com",
    email_from="nba@example.com",
    email_to="ada@example.com, eve@example.com",
)


def test_what_is_set_is_opened_and_nothing_else() -> None:
    assert open_channels(Settings()).ready == {}
    channels = open_channels(GOOD)
    assert (sorted(channels.ready), channels.broken) == (["email", "slack", "webhook"], {})
    mail = channels.ready["email"]
    assert isinstance(mail, Mail)
    assert mail.receivers == ("ada@example.com", "eve@example.com")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("slack", {"slack_webhook": "http://hooks.slack.com/x"}),
        ("slack", {"slack_webhook": "https://me:secret@hooks.slack.com/x"}),
        ("slack", {"slack_webhook": "https://hooks.slack.com/x y"}),
        ("slack", {"slack_webhook": "file:///etc/passwd"}),
        ("slack", {"slack_webhook": "https://"}),
        ("slack", {"slack_webhook": "https://x:99999/"}),
        ("slack", {"slack_webhook": "https://127.0.0.1\\@evil/"}),
        ("slack", {"slack_webhook": "http://127.0.0.1.evil.example/"}),
        ("webhook", {"alert_webhook": "https://x/#y"}),
        ("webhook", {"webhook_key": ""}),
        ("webhook", {"webhook_key": "short-key"}),
        ("email", {"email_to": ""}),
        ("email", {"email_to": "ada@example.com\r\nBcc: eve@example.com"}),
        ("email", {"email_from": "nobody"}),
        ("email", {"smtp_host": "mail example"}),
        ("email", {"smtp_port": 0}),
        ("email", {"smtp_user": "me"}),
        ("email", {"smtp_user": "me", "smtp_password": "a\nb-c-d-e"}),
    ],
)
def test_a_wrong_channel_is_named_and_leaves_the_others(name: str, wrong: dict[str, str]) -> None:
    channels = open_channels(replace(GOOD, **wrong))  # type: ignore[arg-type]  # names of settings
    assert list(channels.broken) == [name]
    assert len(channels.ready) == 2
    shown = str(channels.broken[name])
    assert "Next: " in shown
    assert "secret" not in shown


def test_this_machine_needs_no_certificate() -> None:
    for address in ("http://127.0.0.1:1/x", "http://localhost:1/x", "http://[::1]:1/x"):
        assert open_channels(Settings(slack_webhook=address)).broken == {}


def test_secrets_of_channels_are_known_to_the_redaction_and_no_ordinary_word_is() -> None:
    Settings(
        slack_webhook="https://hooks.slack.com/services/T0PZ91Q7R/B0PZ91Q7R/k2Jd83hFkQ0zWm",
        alert_webhook="https://alerts.example.com/consolidation/hook?token=s3cr3t-t0ken",
        webhook_key="k3y-of-a-web-h00k-k3y-of-a-web-h00k",
        smtp_password="sm7p-passw0rd",
    )
    from shared.core.redaction import redact

    assert redact("a k2Jd83hFkQ0zWm b T0PZ91Q7R c s3cr3t-t0ken d k3y-of-a-web-h00k e sm7p-passw0rd") == (
        "a *** b *** c *** d *** e ***"
    )
    assert redact("https://hooks.slack.com/services consolidation hook") == (
        "https://hooks.slack.com/services consolidation hook"
    )
    protect()
