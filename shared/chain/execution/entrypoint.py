"""The HTTP entry point of a function: what functions-framework calls."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from shared.chain.execution.context import Context, Outcome
from shared.chain.execution.handler import Response, about, handle
from shared.chain.messages.messages import PhaseMessage
from shared.core.errors import PipelineError
from shared.core.logs import configure_logging, log_context
from shared.core.redaction import redact_json
from shared.stores.runtime import Runtime, get_runtime

if TYPE_CHECKING:
    import flask

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=PhaseMessage)


def pubsub_function(
    name: str,
    run: Callable[[M, Context], Outcome],
    model: type[M] = PhaseMessage,  # type: ignore[assignment]
) -> Callable[[flask.Request], tuple[str, int, dict[str, str]]]:
    """The HTTP entry point of a function: `run` takes the typed message and the context and returns
    an Outcome.
    """
    configure_logging()

    def entry(request: flask.Request) -> tuple[str, int, dict[str, str]]:
        trace = request.headers.get("X-Cloud-Trace-Context", "").split("/")[0]
        with log_context(function=name, trace=trace):
            response = _respond(lambda runtime: handle(name, run, model, request.get_data(), runtime))
        return (
            json.dumps(redact_json(response.body), default=str),
            response.status,
            {"Content-Type": "application/json"},
        )

    entry.__name__ = name
    entry.__doc__ = run.__doc__
    return entry


def _respond(answer: Callable[[Runtime], Response]) -> Response:
    """What the process's runtime answers; 500 with the reason where a setting keeps it from being
    built.
    """
    try:
        runtime = get_runtime()
    except PipelineError as error:
        logger.error("cannot start: %s", error, extra={"fields": about(error)})
        return Response(500, {"status": "failed", "reason": str(error), "error_type": type(error).__name__})
    return answer(runtime)
