"""Pages: the same questions and actions as the API's, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import werkzeug
from flask import Blueprint, g, redirect, render_template, request, url_for

from functions.dashboard.api import ask, new_key, query, require_operator
from functions.dashboard.backfill_page import add_backfill
from functions.dashboard.seals import check_seal, make_seal
from shared.core.errors import DataError, NotFound
from shared.operations.actions.action import Action
from shared.operations.actions.perform import perform, preview
from shared.operations.actions.record import COLLECTION, OperatorAction
from shared.operations.actions.signature import Signature
from shared.operations.actions.table import action_of
from shared.operations.api.questions import question_of

_NOT_VALUES = {"why", "key", "seal"}


@dataclass(frozen=True)
class Page:
    """A page of the navigation; its name is its endpoint's."""

    name: str
    title: str


PAGES = (Page("queues", "Queues"), Page("backfill", "Backfill"), Page("audit", "Audit"))


def create_pages() -> Blueprint:
    """Routes of the pages."""
    pages = Blueprint("pages", __name__)
    add_backfill(pages, render)

    @pages.get("/queues")
    def queues() -> str:
        found = {name: ask(question_of(name), {}) for name in ("dead-letters", "deferred", "breakers", "switches")}
        return render(
            "queues",
            letters=found["dead-letters"]["dead_letters"],
            deferred=found["deferred"]["deferred"],
            breakers=found["breakers"]["breakers"],
            **found["switches"],
        )

    @pages.get("/audit")
    def audit() -> str:
        return render("audit", rows=ask(question_of("audit"), query(question_of("audit").parameters))["audit"])

    @pages.get("/actions/<name>")
    def show_action(name: str) -> str:
        return _show_action(action_of(name))

    @pages.post("/actions/<name>")
    def do_action(name: str) -> werkzeug.Response:
        return _do_action(action_of(name))

    @pages.get("/done/<key>")
    def done(key: str) -> str:
        document = g.runtime.state.get(f"{COLLECTION}/{key}") if key.isascii() and key.isprintable() else None
        if document is None:
            raise NotFound(f"No action has the key {key[:64]!r}.")
        record = OperatorAction.from_document(document)
        return render("audit", "done.html", title=f"Done: {record.action}", record=record)

    return pages


def render(here: str, template: str = "", **context: Any) -> str:
    """A page; `here` is its place in the navigation."""
    titles = {page.name: page.title for page in PAGES}
    context = {"title": titles.get(here, "")} | context
    now, identity = g.runtime.clock.now(), g.identity
    return render_template(template or f"{here}.html", here=here, pages=PAGES, now=now, identity=identity, **context)


def _show_action(action: Action) -> str:
    """What an action would do with the values of the query; without the needed ones, a form."""
    require_operator()
    given = query(action.parameters)
    plan, error = None, ""
    complete = all(given.get(each.name) for each in action.parameters if each.required)
    if complete and (given or not action.parameters):
        try:
            plan = preview(action, g.runtime, g.pipeline, given)
        except (DataError, NotFound) as refused:
            error = str(refused)
    key = new_key()
    return render(
        "",
        "action.html",
        title=f"Action: {action.name}",
        action=action,
        given=given,
        plan=plan,
        error=error,
        key=key,
        seal=make_seal(g.runtime.state, key=key, who=g.identity.who, action=action.name) if plan else "",
        hidden=[(name, value) for name in given for value in request.args.getlist(name)],
        why="",
    )


def _do_action(action: Action) -> werkzeug.Response:
    """Carry out what the form of _show_action asks for; the answer is a page of its own."""
    require_operator()
    form = request.form
    key = form.get("key", "")
    check_seal(g.runtime.state, form.get("seal", ""), key=key, who=g.identity.who, action=action.name)
    several = {each.name for each in action.parameters if each.kind == "texts"}
    lists = form.to_dict(flat=False)
    values = {name: found if name in several else found[-1] for name, found in lists.items() if name not in _NOT_VALUES}
    signature = Signature(g.identity.who, form.get("why", ""))
    perform(action, g.runtime, g.pipeline, values, signature, key)
    return redirect(url_for("pages.done", key=key), 303)
