"""E-mail by SMTP: encrypted before anything is said, a time for the whole conversation."""

from __future__ import annotations

import hashlib
import smtplib
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import Any

from shared.core.printable import one_line
from shared.core.secret_settings import is_this_machine
from shared.operations.incidents.channels.message import SECONDS, Message, NotDelivered, run_within
from shared.operations.incidents.channels.posting import certificates
from shared.operations.incidents.sightings import cut_text

TLS_PORT = 465
# RFC 5321, 4.5.3.1.5, and what servers send all the same.
_LONGEST_LINE = 8_192


@dataclass(frozen=True)
class Mail:
    """A mail server, and who writes to whom."""

    host: str
    port: int
    sender: str
    receivers: Sequence[str]
    user: str = ""
    password: str = field(default="", repr=False)
    authorities: str = ""
    name: str = "email"

    def send(self, message: Message) -> str:
        """The receivers that the server refused, where it took others. Raises NotDelivered."""
        return run_within(SECONDS, lambda: self._send(message), self.name)

    def _send(self, message: Message) -> str:
        try:
            server = self._connect()
            try:
                self._log_in(server)
                refused = server.send_message(self.compose(message), self.sender, list(self.receivers))
                with suppress(smtplib.SMTPException):  # the mail is taken, whatever is said at parting
                    server.quit()
            finally:
                server.close()
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _explain(error) from error
        return f"refused: {', '.join(sorted(refused))}" if refused else ""

    def _connect(self) -> smtplib.SMTP:
        until = time.monotonic() + SECONDS
        if self.port == TLS_PORT:
            return _TimedTls(until, self.host, self.port, certificates(self.authorities))
        return _Timed(until, self.host, self.port)

    def _log_in(self, server: smtplib.SMTP) -> None:
        """Encrypt what is to come, unless it stays on this machine, and say who we are."""
        if self.port != TLS_PORT:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=certificates(self.authorities))
            elif not is_this_machine(self.host):
                raise _make_error("offers no STARTTLS", "use one that does, or port 465.")
        if self.user:
            server.login(self.user, self.password)

    def compose(self, message: Message) -> EmailMessage:
        """The mail; its Message-ID is of the message, and mails of one incident are one thread."""
        domain = self.sender.rpartition("@")[2]
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"], mail["To"] = self.sender, ", ".join(self.receivers)
        mail["Subject"] = one_line(message.title)
        mail["Date"] = format_datetime(message.at)
        mail["Message-ID"] = f"<{_token(message.id)}@{domain}>"
        if len(message.incidents) == 1:
            mail["References"] = f"<incident-{_token(message.incidents[0])}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
        mail.set_content(message.body)
        return mail


def _make_error(what: str, next_step: str) -> NotDelivered:
    return NotDelivered(f"The mail server {what}.", next_step=next_step)


def _explain(error: Exception) -> NotDelivered:
    """What went wrong, without what the server or the network may have quoted of us."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _make_error(f"refuses the login ({error.smtp_code})", "correct SMTP_USER and SMTP_PASSWORD.")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _make_error(f"refuses {', '.join(sorted(error.recipients))}", "correct EMAIL_TO.")
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
        return _make_error(f"answered {error.smtp_code}: {cut_text(text, 120)}", "look at what it says.")
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"has a certificate that is not trusted: {cut_text(error.verify_message, 80)}"
        return _make_error(why, "correct SMTP_HOST, or name its authority in ALERT_CA_FILE.")
    return _make_error(f"gave no answer ({type(error).__name__})", "look at SMTP_HOST, SMTP_PORT and the network.")


def _token(name: str) -> str:
    """An id as a part of a header may be: of letters that need no encoding, one of a kind."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


class _Reader:
    """The server's lines, each within what is left of the time: a byte a second is no answer."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection, self._until, self._buffer = connection, until, b""

    def readline(self, size: int = -1) -> bytes:
        most = _LONGEST_LINE if size < 0 else size
        while b"\n" not in self._buffer and len(self._buffer) < most:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the conversation's time is over")
            self._connection.settimeout(left)
            more = self._connection.recv(4_096)
            if not more:
                break
            self._buffer += more
        end = self._buffer.find(b"\n") + 1 or len(self._buffer)
        line, self._buffer = self._buffer[: min(end, most)], self._buffer[min(end, most) :]
        return line

    def close(self) -> None:
        """Nothing is held but the connection, which its owner closes."""


class _Timed(smtplib.SMTP):
    """smtplib's client, with one time for the whole conversation."""

    def __init__(self, until: float, *arguments: Any, **options: Any) -> None:
        self._until = until
        super().__init__(*arguments, **{**options, "timeout": SECONDS})

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Reader(self.sock, self._until)
        return super().getreply()


class _TimedTls(_Timed, smtplib.SMTP_SSL):
    """The same with TLS from the start."""

    def __init__(self, until: float, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(until, host, port, context=context)
