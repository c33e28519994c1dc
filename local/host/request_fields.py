"""The fields of a request's JSON object, by kind: what does not fit is refused in a sentence."""

from __future__ import annotations

from typing import Any

from local.host.bodies import Refusal

_SHOWN = 80


def text_field(asked: dict[str, Any], name: str, *, most: int = 1_000) -> str:
    """A text, empty where it is absent or null.

    Raises Refusal (400) for another kind, or a longer one than `most`.
    """
    value = asked.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refusal(400, f"{name} is a text, not {_show_value(value)}.")
    if len(value) > most:
        raise Refusal(400, f"{name} has {len(value)} characters; at most {most} are taken.")
    return value


def boolean_field(asked: dict[str, Any], name: str) -> bool:
    """True or false, false where it is absent or null. Raises Refusal (400) for another kind."""
    value = asked.get(name)
    if value is not None and not isinstance(value, bool):
        raise Refusal(400, f"{name} is true or false, not {_show_value(value)}.")
    return bool(value)


def _show_value(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
