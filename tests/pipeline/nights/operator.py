"""An operator with a phone: opens the dashboard's pages, presses what they offer, asks ./nba."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

import httpx

from local.nba.program import main
from tests.pipeline.nights.night import Night
from tests.support.nba import Ended, hooks_put_back

_TAGS = re.compile(r"<[^>]+>")
_BUTTON = re.compile(r'<a class="button" href="([^"]*/actions/[^"]+)">([^<]+)</a>')
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@dataclass(frozen=True)
class Page:
    """An answer of the dashboard."""

    status: int
    html: str

    @property
    def text(self) -> str:
        """What a person reads."""
        return " ".join(unescape(_TAGS.sub(" ", self.html)).split())

    @property
    def sentence(self) -> str:
        """What stands on top."""
        (found,) = re.findall(r'<p class="sentence">(.*?)</p>', self.html, re.DOTALL)
        return " ".join(unescape(_TAGS.sub(" ", found)).split())

    @property
    def buttons(self) -> dict[str, str]:
        """Addresses of the actions that are offered, by label."""
        return {unescape(label).removesuffix(" …"): unescape(href) for href, label in _BUTTON.findall(self.html)}


@dataclass(frozen=True)
class Pressed:
    """What an action's preview said, and what the page after it says came of it."""

    action: str
    preview: str
    outcome: str


class Operator:
    """Somebody at this machine, whom the runtime's gate lets in with the folder's token."""

    def __init__(self, night: Night) -> None:
        self._night = night
        server = night.embedded.server
        self._origin = server.base_url
        self._client = httpx.Client(
            base_url=server.base_url,
            headers={"Authorization": f"Bearer {server.token}", "Accept": "text/html"},
            timeout=60,
        )

    def open(self, path: str, status: int = 200) -> Page:
        """A page, below the dashboard's root or by the whole path that a link has."""
        response = self._client.get(path if path.startswith("/dashboard/") else f"/dashboard{path}")
        assert response.status_code == status, response.text
        return Page(response.status_code, response.text)

    def press(self, href: str, why: str) -> Pressed:
        """Look at an action's preview, say why, do it, and see everything through."""
        preview = self.open(href)
        form: dict[str, list[str]] = {}
        for name, value in _HIDDEN.findall(preview.html):
            form.setdefault(unescape(name), []).append(unescape(value))
        path = urlsplit(href).path
        foreign = self._client.post(path, data={**form, "why": [why]}, headers={"Origin": "http://evil.example"})
        unsealed = self._client.post(
            path, data={**form, "why": [why], "seal": ["0" * 64]}, headers={"Origin": self._origin}
        )
        assert (foreign.status_code, unsealed.status_code) == (403, 403)
        done = self._client.post(path, data={**form, "why": [why]}, headers={"Origin": self._origin})
        assert done.status_code == 303, done.text
        after = self.open(done.headers["Location"])
        self._night.embedded.run_until_idle()
        (says,) = re.findall(r"<h2>What this will do</h2>\s*<ul>(.*?)</ul>", preview.html, re.DOTALL)
        (outcome,) = re.findall(r'role="status">\s*<p>(.*?)</p>', after.html, re.DOTALL)
        name = path.rpartition("/")[2]
        return Pressed(name, " ".join(unescape(_TAGS.sub(" ", says)).split()), unescape(outcome))

    def command(self, *arguments: str) -> Ended:
        """`./nba ...` about the folder that the runtime has open."""
        out, err = io.StringIO(), io.StringIO()
        with hooks_put_back(), redirect_stdout(out), redirect_stderr(err):
            code = main([*arguments, "--dir", str(self._night.embedded.folder)])
        return Ended(code, out.getvalue(), err.getvalue())

    def close(self) -> None:
        self._client.close()
