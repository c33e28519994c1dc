"""Every action as a form, its preview, and what became of it."""

from __future__ import annotations

import werkzeug
from flask import Blueprint, g, redirect, request, url_for

from functions.dashboard.api import new_key, query, require_operator
from functions.dashboard.asking import carry_out
from functions.dashboard.pages.page import render
from functions.dashboard.seals import check_seal, make_seal
from functions.dashboard.wording import moments_ahead
from shared.core.errors import DataError, NotFound
from shared.operations.actions.action import Action
from shared.operations.actions.perform import preview
from shared.operations.actions.record import COLLECTION, OperatorAction
from shared.operations.actions.signature import Signature
from shared.operations.actions.table import action_of
from shared.operations.status.runs import phases_of

_NOT_VALUES = {"why", "key", "seal"}


def add_routes(pages: Blueprint) -> None:
    """Routes of actions."""

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
        return render(
            "audit", "done.html", title=f"Done: {record.action}", record=record, known_phases=phases_of(g.pipeline)
        )


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
        ahead=moments_ahead(g.runtime.clock.now()),
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
    carry_out(action, values, signature, key)
    return redirect(url_for("pages.done", key=key), 303)
