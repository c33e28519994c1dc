"""A secret is found in every spelling that a library, a feed or a log gives it, and no half of one
is left.
"""

from __future__ import annotations

import ast
import base64
import html
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core import redaction
from shared.core.errors import SourceUnavailable
from shared.core.redaction import MASK, excerpt, protect, protect_login, redact, redact_json, what_failed
from tests.conftest import ROOT
from tests.house.python_sources import OURS, dotted_name, sources

KEY = "9f/+b2=&c7\"d'41\\e8aQx~Zz"
PASSWORD = "p/ss@w%rd!x9"
LETTERS = "clé d'or é/ü 1"
USER = "nba-scraper-7"
URL = f"http://{USER}:{quote(PASSWORD, safe='')}@proxy.example:8080"


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    factory = logging.getLogRecordFactory()
    monkeypatch.setattr(redaction, "_known", redaction._Known())
    protect(KEY)
    protect_login(USER, quote(PASSWORD, safe=""))
    protect_login(USER, quote(LETTERS, safe=""))
    yield
    logging.setLogRecordFactory(factory)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded but for /": quote,
    "percent-encoded in lower case": lambda text: quote(text, safe="").lower() if text.islower() else quote(text),
    "every character percent-encoded": lambda text: "".join(f"%{ord(sign):02x}" for sign in text),
    "as a form": quote_plus,
    "percent-encoded twice": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "every character escaped": lambda text: "".join(f"\\u{ord(sign):04x}" for sign in text),
    "every character escaped in eight digits": lambda text: "".join(f"\\U{ord(sign):08x}" for sign in text),
    "every character escaped in braces": lambda text: "".join(f"\\u{{{ord(sign):x}}}" for sign in text),
    "as a browser's escape()": lambda text: "".join(f"%u{ord(sign):04x}" for sign in text),
    "every character an entity": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "every character an entity in hexadecimal": lambda text: "".join(f"&#x{ord(sign):X};" for sign in text),
    "entities with names": lambda text: text.replace("/", "&sol;").replace("é", "&eacute;").replace("ü", "&uuml;"),
    "every byte escaped": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "every byte percent-encoded, in both cases": lambda text: "".join(
        f"%{byte:02x}" if at % 2 else f"%{byte:02X}" for at, byte in enumerate(text.encode())
    ),
    "bytes of an older encoding": lambda text: repr(text.encode("latin-1")),
    "percent-encoded in an older encoding": lambda text: quote(text, safe="", encoding="latin-1"),
    "letters taken for bytes": lambda text: text.encode().decode("latin-1"),
    "ASCII": ascii,
    "a colour in the midst": lambda text: f"{text[:7]}\x1b[31m{text[7:]}",
    "a character of no width in the midst": lambda text: f"{text[:5]}\u200b{text[5:]}",
    "over two lines": lambda text: f"{text[:6]}\n{text[6:]}",
    "repr": repr,
    "bytes": lambda text: repr(text.encode()),
    "repr of a list of reprs": lambda text: repr([repr(text)]),
    "HTML": html.escape,
    "JSON in an address": lambda text: quote(json.dumps(text)),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in the midst": lambda text: base64.b64encode(b"xy" + text.encode() + b"z").decode(),
}


@pytest.mark.parametrize("secret", [KEY, PASSWORD, LETTERS], ids=["key", "password", "letters"])
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_of_a_secret_is_redacted(secret: str, spelling: Callable[[str], str]) -> None:
    spelled = spelling(secret)
    found = redact(f"before {spelled} after")
    assert found.startswith("before ")
    assert found.endswith(" after")
    assert MASK in found
    assert not any(spelled[at : at + 8] in found for at in range(len(spelled) - 7))


@pytest.mark.parametrize("spelled", [URL, f"'{URL}/'", quote(URL, safe=""), json.dumps(URL), repr(URL)])
def test_a_proxys_address_keeps_its_host_and_loses_its_login(spelled: str) -> None:
    found = redact(spelled)
    assert "proxy.example" in found
    assert not any(part in found for part in (USER, PASSWORD, quote(PASSWORD), "p%2Fss"))


def test_the_header_that_a_proxy_gets_is_redacted() -> None:
    header = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert redact(f"Proxy-Authorization: Basic {header}") == f"Proxy-Authorization: Basic {MASK}"


def test_every_piece_of_a_secret_that_somebody_cut_off_is_redacted() -> None:
    for begin in range(len(KEY) - 7):
        for end in range(begin + 8, len(KEY) + 1):
            assert redact(f"x {KEY[begin:end]} y") == f"x {MASK} y", (begin, end)


@given(st.integers(0, 400), st.integers(1, 400))
def test_a_cut_after_redaction_leaves_no_part(before: int, longest: int) -> None:
    text = excerpt(f"{'.' * before}{KEY}{quote(KEY, safe='')}{PASSWORD}", longest)
    assert not set(text) - set(".*")


def test_a_secret_within_another_leaves_no_half_of_the_longer() -> None:
    protect("inner-secret-1", "outer-inner-secret-1-and-more")
    assert redact("a outer-inner-secret-1-and-more b inner-secret-1 c") == f"a {MASK} b {MASK} c"


@pytest.mark.parametrize("size", range(2, 8))
def test_the_beginning_of_a_secret_at_the_end_of_what_was_read_is_redacted(size: int) -> None:
    assert redaction.without_begun_secret(f"your key {KEY[:size]}") == f"your key {MASK}"
    whole = "".join(f"%{ord(sign):02x}" for sign in KEY)
    for rest in ("", "%", "%2"):
        assert redaction.without_begun_secret(f"your key {whole[: 3 * size]}{rest}") == f"your key {MASK}"
    assert redaction.without_begun_secret(f"your key {MASK}%4") == f"your key {MASK}"
    assert redaction.without_begun_secret("all of it") == "all of it"


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("nba_raw.odds: 100%25 of \\n C:\\users &amp; more", "https://stats.nba.com/stats?x=%2F", "***", ""):
        assert redact(text) == text


def test_a_short_secret_is_found_alone_and_never_within_a_word_or_a_path() -> None:
    protect_login("me", "odds")
    assert redact("http://me:odds@proxy, odds") == f"http://{MASK}@proxy, {MASK}"
    assert redact("raw/odds_api/odds and good odds_api") == "raw/odds_api/odds and good odds_api"


def test_a_users_name_that_may_be_a_word_is_redacted_with_its_password_alone() -> None:
    protect_login("customer", "s3cret-s3cret")
    assert redact("customer customer:s3cret-s3cret@host") == f"customer {MASK}@host"


def test_json_is_redacted_in_values_and_names() -> None:
    value = {"a": [KEY, 1, None, {KEY: (f"x{KEY}", True)}]}
    assert redact_json(value) == {"a": [MASK, 1, None, {MASK: [f"x{MASK}", True]}]}


def test_errors_of_ours_are_redacted_when_they_are_made() -> None:
    error = SourceUnavailable(f"GET {URL} said {KEY}\x1b[2J", next_step=f"look at {KEY}")
    for text in (str(error), error.message, repr(error)):
        assert not any(secret in text for secret in (KEY, "p%2Fss", "\x1b"))
    assert what_failed(ValueError(KEY)) == f"ValueError: {MASK}"
    assert what_failed(ValueError(f"{'x' * 20}{KEY}"), 30) == f"ValueError: {'x' * 18}"


def test_log_records_are_redacted_for_every_handler(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("somebody.else")
    try:
        try:
            raise OSError(f"no route to {URL}")
        except OSError as error:
            error.add_note(f"the key was {KEY}")
            raise RuntimeError(f"gave up: {KEY!r}") from error
    except RuntimeError:
        logger.exception("failed %s with %d", KEY, 7, stack_info=True)
    logger.warning("args that do not fit %d", KEY)
    assert f"failed {MASK} with 7" in caplog.text
    assert "no route to" in caplog.text
    assert not any(each in caplog.text for each in (KEY, repr(KEY)[1:-1], "p%2Fss"))


def test_nothing_is_searched_while_nothing_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", redaction._Known())
    protect("", "abc")
    assert redact(f"abc {KEY}") == f"abc {KEY}"


# --- nobody cuts what another's exception says before it is redacted ------------------------------

REDACTING = {"redact", "_safe", "_safe_page"}


def cut_before(root: Path) -> list[str]:
    """Slices, in an except block, of a text that is made of the exception and was not redacted."""
    found = []
    for source in sources(root, OURS):
        for handler in ast.walk(source.tree):
            if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
                continue
            for node in ast.walk(handler):
                if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
                    quotes = any(
                        isinstance(each, ast.Name) and each.id == handler.name for each in ast.walk(node.value)
                    )
                    safe = isinstance(node.value, ast.Call) and dotted_name(node.value.func) in REDACTING
                    if quotes and not safe:
                        found.append(source.at(node.lineno))
    return found


def test_no_exceptions_text_is_cut_before_it_is_redacted() -> None:
    assert cut_before(ROOT) == []


@pytest.mark.parametrize("text", ["str(error)", "f'no answer: {error}'", "clean(str(error))", "repr(error)"])
def test_a_planted_cut_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "shared").mkdir()
    code = f"try:\n    work()\nexcept ValueError as error:\n    keep({text}[:80])\n"
    (tmp_path / "shared" / "x.py").write_text(code, encoding="utf-8")
    assert cut_before(tmp_path) == ["shared/x.py:4"]
    (tmp_path / "shared" / "x.py").write_text(code.replace(text, f"redact({text})"), encoding="utf-8")
    assert cut_before(tmp_path) == []
