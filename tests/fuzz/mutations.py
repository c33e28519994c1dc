"""Answers of feeds with odd values in odd places, by seed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

# What feeds have sent and what JSON can hold; each is put anywhere.
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**26, int("9" * 400),
    -int("9" * 400), 0.5, -0.0, 1e-300, 1e300, -1e300, 1e16, 231.00000000000003, float("nan"), float("inf"),
    float("-inf"), 250.5, 1_000_000, -1_000_000, 500, -5, 62, "", " ", "x", "TBD", "PPD", "\x00", "\ud800",
    "a\udfffb", "\ud83d\ude00", "²", "00225002⁰¹", "０１２３４５６７８９", "0022500²01", "9" * 10, "1" * 5000, "NaN",
    "unlimited", "12:30", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "9999-12-31", "0001-01-01", "2025-11-14T16:30:00", "2025-02-30", "2025-W46-5", "20251114", "2025-11-14T24:00:00Z",
    "2025-11-14T16:30:00+99:99", "2025-11-14T16:30:00.123456789Z", "1e5", "-110", "GSW vs. GSW", "GSW vs. XYZ",
    [], {}, [[]], [None], [1, "x"], {"a": 1}, {"": {}}, [{}], {"key": []},
)  # fmt: skip
_DEEP = 200


def mutate(sent: bytes, random_: random.Random, changes: int) -> Any:
    """An answer, given as JSON, with so many changes: values replaced, keys taken away, doubled or
    exchanged.
    """
    result = json.loads(sent)
    for _ in range(changes):
        place = _place(result, random_)
        if place is None:
            return odd(random_)
        random_.choice(_CHANGES)(*place, random_)
    return odd(random_) if random_.random() < 0.01 else result


def mutate_bytes(sent: bytes, random_: random.Random) -> bytes:
    """A file that is no JSON with a few bytes changed, cut or doubled; one in four as it is."""
    result = bytearray(sent)
    for _ in range(random_.choice((0, 1, 1, 3))):
        at = random_.randrange(len(result))
        change = random_.random()
        if change < 0.6:
            result[at] = random_.randrange(256)
        elif change < 0.8:
            del result[at : at + random_.choice((1, 40, len(result)))]
            result = result or bytearray(b"%")
        else:
            result[at:at] = result[at : at + 40]
    return bytes(result)


def odd(random_: random.Random) -> Any:
    if random_.random() < 0.02:
        deep: Any = []
        for _ in range(_DEEP):
            deep = [deep] if random_.random() < 0.5 else {"injuries": deep}
        return deep
    if random_.random() < 0.1:
        return random_.choice((random_.uniform(-1e6, 1e6), random_.randint(-1000, 1000), random_.getrandbits(200)))
    return copy.deepcopy(random_.choice(ODD))


def _place(value: Any, random_: random.Random) -> tuple[Any, Any] | None:
    """Some (object or list, key or index) of an answer, more often one deep inside; None where
    there is none.
    """
    place = None
    while isinstance(value, dict | list) and value and (place is None or random_.random() < 0.9):
        key = random_.choice(list(value)) if isinstance(value, dict) else random_.randrange(len(value))
        place, value = (value, key), value[key]
    return place


def _replace(holder: Any, key: Any, random_: random.Random) -> None:
    holder[key] = odd(random_)


def _take_away(holder: Any, key: Any, random_: random.Random) -> None:
    del holder[key]


def _double(holder: Any, key: Any, random_: random.Random) -> None:
    if isinstance(holder, list):
        holder.insert(random_.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
    else:
        holder[f"{key}2"] = holder[key]


def _exchange(holder: Any, key: Any, random_: random.Random) -> None:
    other = random_.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    holder[key], holder[other] = holder[other], holder[key]


def _shift(holder: Any, key: Any, random_: random.Random) -> None:
    """A number that is a little or much more, a text with something in it."""
    value = holder[key]
    if isinstance(value, bool) or value is None:
        holder[key] = not value
    elif isinstance(value, int | float) and abs(value) < 2**53:
        holder[key] = random_.choice((-value, value + 0.1, value * 1000, str(value), [value], value + 10**20))
    elif isinstance(value, str):
        place = random_.randrange(len(value) + 1)
        holder[key] = (
            value[:place] + random_.choice(("\ud800", "²", "\x00", " ", "x" * 300, "", "0")) + value[place + 1 :]
        )
    else:
        holder[key] = [value]


_CHANGES: tuple[Callable[[Any, Any, random.Random], None], ...] = (
    _replace, _replace, _replace, _replace, _take_away, _double, _exchange, _shift, _shift,
)  # fmt: skip


def as_sent(value: Any) -> bytes:
    """The answer as bytes of a feed."""
    return json.dumps(value).encode()
