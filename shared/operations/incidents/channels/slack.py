"""Slack's incoming web-hook: text only, and nothing in it means anything to Slack.

https://api.slack.com/messaging/webhooks, https://api.slack.com/reference/surfaces/formatting
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from shared.operations.incidents.channels.message import Message
from shared.operations.incidents.channels.posting import post

# Slack cuts a text off beyond 40,000 characters and asks for 4,000 at most.
LONGEST = 4_000
# Pairs of these make bold, italic, struck out and code; an underscore within a word makes nothing.
_MARKS = re.compile(r"[*~`]|(?<![^\W_])_|_(?![^\W_])")


def escape(text: str) -> str:
    """A text as Slack shows it as it is: no link, no mention of @channel, no format."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@dataclass(frozen=True)
class Slack:
    """One incoming web-hook."""

    url: str = field(repr=False)
    authorities: str = ""
    name: str = "slack"

    def send(self, message: Message) -> str:
        """Raises NotDelivered."""
        text = f"*{escape(_plain(message.title))}*\n{escape(message.body)}"
        content = {"text": _cut(text), "mrkdwn": True, "unfurl_links": False, "unfurl_media": False}
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": message.id}
        post(self.name, self.url, json.dumps(content).encode(), headers, self.authorities)
        return ""


def _plain(title: str) -> str:
    """The title without what would end its own bold."""
    return _MARKS.sub("", title)


def _cut(text: str) -> str:
    """Bounded, and no escape cut in two."""
    return text if len(text) <= LONGEST else re.sub(r"&[a-z]{0,3}$", "", text[: LONGEST - 4]) + " ..."
