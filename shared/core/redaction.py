"""What is secret never leaves the process in a text: one redaction, in front of logs, state,
answers and messages.

A secret is found however it was written down: as it is, percent-encoded (either case, every
character or some, twice), JSON- or repr-escaped, as an HTML entity, in base64. So is a piece of one
that somebody else cut off.

    setting --protect--> known secrets
    foreign text --redacted--> text with *** --> only then cut, stored, logged, sent

Every error of ours (errors.py) redacts its own text, and every log record is redacted when it is
made, with its traceback. Nothing is searched while no secret is known.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, quote_plus, unquote

MASK = "***"
# Of a long secret so many characters are enough to be taken for a piece of it; fewer are found in
# ordinary words.
PIECE = 8
# What is shorter is found everywhere: the settings refuse it.
SHORTEST = 4
# Of the beginning of a secret at a cut, so many characters say something about it.
_BEGUN = 2
# An escape of which a cut left only the beginning; and what follows a redacted secret up to the
# cut, its rest.
_HALF_ESCAPE = re.compile(r"(?:%[0-9A-Fa-f]?|\\(?:u[0-9A-Fa-f]{0,3}|x[0-9A-Fa-f]?)?|&#?[0-9A-Za-z]{0,7})$")
_REST = re.compile(rf"{re.escape(MASK)}\S{{1,24}}$")
# One layer for each who encoded what another had encoded: JSON in JSON in an address.
_LAYERS = 4
# Of a byte; of a character by its number, in hexadecimal or decimal; of a character by its name; of
# a sign.
_ESCAPE = re.compile(
    r"(?:%|\\x)(?P<byte>[2-9A-Fa-f][0-9A-Fa-f])"
    r"|(?:[\\%]u|\\U000|&#[xX]0{0,4}|\\u\{0{0,4})(?P<hex>(?<=u)[0-9A-Fa-f]{4}|(?<=U000)[0-9A-Fa-f]{5}"
    r"|(?<![uU])[0-9A-Fa-f]{2,5}(?=[;}]))[;}]?"
    r"|&#0{0,4}(?P<decimal>[0-9]{2,6});|&(?P<entity>[A-Za-z]{2,8});|\\(?P<sign>[\\/\"'])"
)
# What a screen does not show within a secret, or where a line was broken: as bytes of UTF-8.
_UNSEEN = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x1f\x7f]|\xc2\xad|\xe2\x80[\x8b-\x8f]|\xef\xbb\xbf")
# A short secret counts where it stands alone: never within a word, a path or a name.
_WORD = "A-Za-z0-9_/.-"


@dataclass(frozen=True)
class _Known:
    """The secrets of this process: `long` are found whole and by `pieces`, `whole` as they are,
    `short` alone.

    These three are as they look once escapes are read; `raw` are secrets as they were given, and
    `spelled` the usual spellings of those, for a search that is as quick as a search can be.
    """

    long: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    short: frozenset[str] = frozenset()
    raw: frozenset[str] = frozenset()
    pieces: frozenset[str] = frozenset()
    spelled: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None


_known = _Known()
_turn = threading.Lock()


def protect(*secrets: str) -> None:
    """Make secrets known to the redaction of this process, for as long as it lives.

    A secret shorter than PIECE is found where it stands alone; one shorter than SHORTEST, or none,
    is not looked for.
    """
    long = {form for secret in secrets if len(secret) >= PIECE for form in _forms(secret)}
    short = {_decode(secret)[0] for secret in secrets if SHORTEST <= len(secret) < PIECE}
    _learn(long, set(), short, {secret for secret in secrets if len(secret) >= PIECE})


def protect_login(user: str, password: str) -> None:
    """Make a login known, each part as it stands in a URL: the password, both together, and as a
    header has them.

    A user's name alone is redacted where it can be no ordinary word: it has PIECE characters and
    one is no letter.
    """
    name, secret = unquote(user), unquote(password)
    if not secret:
        return
    protect(password, secret, base64.b64encode(f"{name}:{secret}".encode()).decode())
    together = {_decode(f"{a}:{b}")[0] for a in (user, name) for b in (password, secret)}
    telling = len(name) >= PIECE and not name.isalpha()
    _learn(set(), together | ({_decode(name)[0]} if telling else set()), set(), {f"{user}:{password}"})


def redact(text: str) -> str:
    """The text with *** for every secret and every piece of one, in whatever form."""
    known = _known
    if known.pattern is None:
        return text
    plain, places = _decode(text)
    spans = [match.span() for match in known.pattern.finditer(plain)]
    found = _map_spans([*spans, *_runs(plain, known.pieces)], places)
    whole, places = _without_unseen(plain, places)
    if places is not None and len(whole) < len(plain):
        found += _map_spans(_runs(whole, known.pieces), places)
    parts, at = [], 0
    for first, after in _join_spans(found):
        while text[after - 1] < " ":
            after -= 1
        parts += [text[at:first], MASK]
        at = after
    return "".join([*parts, text[at:]])


def excerpt(text: str, longest: int) -> str:
    """The beginning of a text, at most so many characters: redacted first, then cut."""
    return redact(text)[:longest]


def without_begun_secret(text: str) -> str:
    """A redacted text whose end somebody cut off, with *** for the beginning of a secret that the
    cut left there.
    """
    known = _known
    if known.pattern is None:
        return text
    text = _REST.sub(MASK, text)
    whole = _HALF_ESCAPE.sub("", text)
    plain, places = _decode(whole)
    for size in range(min(PIECE - 1, len(plain)), _BEGUN - 1, -1):
        if any(secret.startswith(plain[-size:]) for secret in known.long | known.whole):
            at = len(plain) - size
            return whole[: places[at] if places else at] + MASK
    return text


def redact_json(value: Any) -> Any:
    """A value of JSON with every text redacted, names of fields included."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact_json(name): redact_json(each) for name, each in value.items()}
    return [redact_json(each) for each in value] if isinstance(value, list | tuple) else value


def may_hold_secret(text: str) -> bool:
    """Whether a long text has a whole secret in a usual spelling: thousands of times quicker than
    `redact`.
    """
    return any(form in text for form in _known.spelled)


def what_failed(error: BaseException, longest: int | None = None) -> str:
    """An exception's type and text as they may be kept and shown, at most so many characters."""
    return redact(f"{type(error).__name__}: {error}")[:longest]


# --- how a secret is found ------------------------------------------------------------------------


def _learn(long: set[str], whole: set[str], short: set[str], raw: set[str]) -> None:
    global _known
    with _turn:
        before = _known
        known = _Known(before.long | long, before.whole | whole, before.short | short, before.raw | raw)
        if (known.long, known.whole, known.short) == (before.long, before.whole, before.short):
            return
        pieces = frozenset(each[at : at + PIECE] for each in known.long for at in range(len(each) - PIECE + 1))
        pattern = re.compile("|".join([*_any_of(known.long | known.whole), *_alone(known.short)]))
        spelled = tuple(sorted({form for secret in known.raw for form in _spellings(secret)}))
        _known = replace(known, pieces=pieces, spelled=spelled, pattern=pattern)
    _redact_log_records()


def _any_of(texts: Iterable[str]) -> list[str]:
    """Alternatives of a pattern, the longest first: none is found within another of which a half
    would be left.
    """
    return [re.escape(text) for text in sorted(texts, key=lambda text: (-len(text), text))]


def _alone(texts: Iterable[str]) -> list[str]:
    return [rf"(?<![{_WORD}]){each}(?![{_WORD}])" for each in _any_of(texts)]


def _forms(secret: str) -> set[str]:
    """A secret's spellings that are more than an escape for each character, as they look once
    escapes are read.
    """
    plain = unquote(secret)
    spelled = {secret, plain, *(encode(text, safe="") for text in (secret, plain) for encode in (quote, quote_plus))}
    spelled |= {re.sub("%..", lambda match: match[0].lower(), text) for text in spelled}
    forms = {_decode(form)[0] for form in spelled | _in_base64(plain) | _in_base64(secret)}
    # a byte a letter, as older software writes them: the form of a text whose letters are not made
    # bytes of UTF-8
    return forms | ({plain} if plain.encode("latin-1", "ignore").decode("latin-1") == plain else set())


def _spellings(secret: str) -> set[str]:
    """A secret as it is, percent-encoded in the usual ways, and as JSON has it."""
    encoded = {quote(secret, safe=safe) for safe in ("", "/", "!$&'()*+,;=:@/")}
    lower = {re.sub("%..", lambda match: match[0].lower(), text) for text in encoded}
    return {secret, json.dumps(secret)[1:-1], *encoded, *lower}


def _in_base64(secret: str) -> set[str]:
    """What base64 of any text with the secret in it has of the secret alone, by where in a group of
    three it begins.
    """
    found = set()
    for shift, skipped in ((0, 0), (1, 2), (2, 3)):
        data = b"\0" * shift + secret.encode()
        whole = data[: len(data) - len(data) % 3]
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            form = encode(whole).decode()[skipped:]
            if len(form) >= PIECE:
                found.add(form)
    return found


def _decode(text: str) -> tuple[str, list[int] | None]:
    """The text with its escapes read, as bytes of UTF-8, and for each (and the end) where it begins
    in the text.

    Bytes, for a letter beyond ASCII is escaped by its number or by its bytes, and those may be
    taken for letters. None for the places where nothing is escaped.
    """
    places: list[int] | None = None
    if not text.isascii():
        sizes = [len(sign.encode("utf-8", "surrogatepass")) for sign in text]
        places = [at for at, size in enumerate(sizes) for _ in range(size)] + [len(text)]
        text = _as_bytes(text)
    for _ in range(_LAYERS):
        if not ("%" in text or "\\" in text or "&" in text):
            break
        parts: list[str] = []
        begins: list[int] = []
        at = 0
        for match in _ESCAPE.finditer(text):
            meant = _unescape(match)
            parts += [text[at : match.start()], meant]
            begins += [*range(at, match.start()), *[match.start()] * len(meant)]
            at = match.end()
        if not parts:
            break
        begins += range(at, len(text) + 1)
        text = "".join([*parts, text[at:]])
        places = begins if places is None else [places[begin] for begin in begins]
    return text, places


def _unescape(match: re.Match[str]) -> str:
    byte, hexadecimal, decimal, _entity, sign = match.groups()
    if byte:
        return chr(int(byte, 16))
    if hexadecimal or decimal:
        return _as_bytes(chr(int(hexadecimal, 16) if hexadecimal else int(decimal)))
    return sign or _as_bytes(html.unescape(match[0]))


def _as_bytes(text: str) -> str:
    """Each byte of the text's UTF-8 as the character of its number."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _without_unseen(plain: str, places: list[int] | None) -> tuple[str, list[int] | None]:
    """The same without what nobody sees, which may stand in the midst of a secret; places as of
    _decoded.
    """
    parts: list[str] = []
    begins: list[int] = []
    at = 0
    for match in _UNSEEN.finditer(plain):
        parts.append(plain[at : match.start()])
        begins += range(at, match.start())
        at = match.end()
    if not parts:
        return plain, places
    begins += range(at, len(plain) + 1)
    return "".join([*parts, plain[at:]]), [places[begin] for begin in begins] if places else begins


def _map_spans(spans: Iterable[tuple[int, int]], places: list[int] | None) -> list[tuple[int, int]]:
    return [(places[begin], places[end]) if places else (begin, end) for begin, end in spans]


def _runs(text: str, pieces: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Where a text has pieces of secrets, those that overlap together."""
    at, last = 0, len(text) - PIECE
    while pieces and at <= last:
        if text[at : at + PIECE] not in pieces:
            at += 1
            continue
        begin = at
        while at <= last and text[at : at + PIECE] in pieces:
            at += 1
        yield begin, at + PIECE - 1


def _join_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that overlap as one."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if found and begin < found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    return found


# --- log records ----------------------------------------------------------------------------------


class _RedactedRecords:
    """A factory of log records that redacts message, traceback and stack before any handler or
    formatter sees them.
    """

    def __init__(self) -> None:
        self._made = logging.getLogRecordFactory()
        self._formatter = logging.Formatter()

    def __call__(self, *args: Any, **options: Any) -> logging.LogRecord:
        record = self._made(*args, **options)
        message = _message(record)
        safe = redact(message)
        if safe != message:
            record.msg, record.args = safe, ()
        if record.exc_info:
            # formatters take this text where it is set
            record.exc_text = redact(self._formatter.formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return record


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # arguments that do not fit: logging prints them to standard error, so they are made one
        # text here
        record.msg, record.args = f"{record.msg} {record.args!r}", ()
        return str(record.msg)


def _redact_log_records() -> None:
    if not isinstance(logging.getLogRecordFactory(), _RedactedRecords):
        logging.setLogRecordFactory(_RedactedRecords())
