"""What all pages share: the navigation, the frame, and the part that is asked for again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import Response, g, render_template, request

from functions.dashboard.api import READ_AT, query
from functions.dashboard.asking import ask, read_at
from functions.dashboard.wording import write_second
from shared.core.errors import StoreUnavailable
from shared.operations.api.questions import question_of

T = TypeVar("T")
# How often an open page asks: while something runs, and else.
SECONDS_AT_WORK, SECONDS_AT_REST = 10, 60


@dataclass(frozen=True)
class Page:
    """A page of the navigation; its name is its endpoint's."""

    name: str
    title: str


PAGES = (
    Page("today", "Today"),
    Page("grid", "Grid"),
    Page("queues", "Queues"),
    Page("alerts", "Alerts"),
    Page("backfill", "Backfill"),
    Page("latency", "Latency"),
    Page("accuracy", "Accuracy"),
    Page("health", "Health"),
    Page("audit", "Audit"),
)


@dataclass
class Live:
    """The part of a page that the browser asks for again; its tag says whether it has changed."""

    seconds: int
    tag: str = ""

    def seal(self, body: str) -> str:
        """The tag of the part as it was written, in quotes as HTTP has them."""
        self.tag = hashlib.sha256(f"{self.seconds} {body}".encode()).hexdigest()[:32]
        return f'"{self.tag}"'


@dataclass(frozen=True)
class Asked(Generic[T]):
    """An answer, or why there is none."""

    answer: T | None
    error: str = ""


def answer_of(name: str, **values: Any) -> Any:
    """The read model that answers a question of the table. Raises as `ask` does."""
    return ask(question_of(name), values)


def answer_of_query(name: str, **of_path: Any) -> Any:
    """The same with what the address says."""
    question = question_of(name)
    return ask(question, {**query(question.parameters), **of_path})


def try_asking(name: str, **values: Any) -> Asked[Any]:
    """The same where the page has more to show: a store that does not answer is said in its
    place.
    """
    try:
        return Asked(answer_of(name, **values))
    except StoreUnavailable as error:
        return Asked(None, str(error))


def render(here: str, template: str = "", **context: Any) -> str:
    """A page that stands still; `here` is its place in the navigation."""
    return _render(here, template, None, context)


def render_live(here: str, template: str = "", *, is_running: bool = False, **context: Any) -> Response:
    """A page whose main part is asked for again: the part alone, and 304 where nothing changed."""
    live = Live(SECONDS_AT_WORK if is_running else SECONDS_AT_REST)
    response = Response(_render(here, template, live, context), mimetype="text/html")
    response.headers["Vary"] = "HX-Request"
    # an answer of 304 was read anew: the page says when, and its part is the same
    response.headers[READ_AT] = write_second(read_at())
    if _is_part():
        response.set_etag(live.tag)
        response.make_conditional(request)
    return response


def _is_part() -> bool:
    return request.headers.get("HX-Request") == "true"


def _render(here: str, template: str, live: Live | None, context: dict[str, Any]) -> str:
    titles = {page.name: page.title for page in PAGES}
    frame = {
        "title": titles.get(here, ""),
        "here": here,
        "pages": PAGES,
        "now": g.runtime.clock.now(),
        "read_at": read_at(),
        "identity": g.identity,
        "live": live,
        "is_part": live is not None and _is_part(),
        "address": f"{request.script_root}{request.full_path.removesuffix('?')}",
    }
    return render_template(template or f"{here}.html", **{**frame, **context})
