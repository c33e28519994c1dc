"""Values of parameters as they come from a form, a query or a command line, checked and typed."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from shared.core.clock import YEARS, parse_timestamp
from shared.core.errors import DataError
from shared.operations.actions.action import Parameter

# Characters of one value, and values of one list.
MOST_TEXT, MOST_TEXTS = 500, 1_000
_SWITCH = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}


def parse_values(parameters: Sequence[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values by name, typed; absent ones have their default (None, or an empty list).

    Raises DataError that names the parameter, the value and what it may be; for a name that is not
    asked for, too.
    """
    names = [each.name for each in parameters]
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"say one of {', '.join(names) or 'nothing'}."
            raise DataError(f"{str(name)[:80]!r} is not asked for.", next_step=hint)
    return {each.name: _parse(each, given.get(each.name)) for each in parameters}


def _parse(parameter: Parameter, value: Any) -> Any:
    if parameter.kind == "texts":
        return _texts(parameter, value)
    if value is None or value == "":
        if parameter.required:
            raise DataError(f"{parameter.name} is missing: {parameter.says}.")
        return parameter.default
    if isinstance(value, str) and len(value) > MOST_TEXT:
        raise DataError(f"{parameter.name} has {len(value)} characters; at most {MOST_TEXT} are accepted.")
    return _PARSERS[parameter.kind](parameter, value)


def _texts(parameter: Parameter, value: Any) -> list[str]:
    found = [] if value is None or value == "" else [value] if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found):
        raise DataError(f"{parameter.name} is a list of texts; it is {str(value)[:80]!r}.")
    if len(found) > MOST_TEXTS or any(len(each) > MOST_TEXT for each in found):
        raise DataError(f"{parameter.name} has at most {MOST_TEXTS} texts of {MOST_TEXT} characters.")
    if parameter.required and not found:
        raise DataError(f"{parameter.name} is missing: {parameter.says}.")
    return [each for each in found if each]


def _wrong(parameter: Parameter, value: Any, what: str) -> DataError:
    return DataError(f"{parameter.name} is {str(value)[:80]!r}; it is {what}.")


def _date(parameter: Parameter, value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        raise _wrong(parameter, value, f"a day such as 2025-11-14, from {YEARS[0]} to {YEARS[-1]}")
    return day


def _text(parameter: Parameter, value: Any) -> str:
    if not isinstance(value, str) or any(ord(each) < 32 and each not in "\n\t" for each in value):
        raise _wrong(parameter, value, "a text")
    return value


def _choice(parameter: Parameter, value: Any) -> str:
    if value not in parameter.choices:
        raise _wrong(parameter, value, f"one of {', '.join(parameter.choices)}")
    return str(value)


def _integer(parameter: Parameter, value: Any) -> int:
    least, most = parameter.bounds or (0, 10**9)
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal() and len(value) < 20:
        number = int(value)
    if number is None or not least <= number <= most:
        raise _wrong(parameter, value, f"a whole number from {least} to {most}")
    return number


def _switch(parameter: Parameter, value: Any) -> bool:
    found = value if isinstance(value, bool) else _SWITCH.get(str(value).lower())
    if found is None:
        raise _wrong(parameter, value, "true or false")
    return found


def _parse_moment(parameter: Parameter, value: Any) -> Any:
    try:
        return parse_timestamp(value)
    except (TypeError, ValueError):
        raise _wrong(parameter, value, "a moment such as 2025-11-14T22:30:00Z") from None


_PARSERS: Mapping[str, Callable[[Parameter, Any], Any]] = {
    "date": _date,
    "text": _text,
    "choice": _choice,
    "integer": _integer,
    "switch": _switch,
    "moment": _parse_moment,
}
