"""What is answered when something is wrong: a page to a browser, JSON to a command."""

from __future__ import annotations

import http
import logging

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from functions.dashboard.answers import answer_error
from functions.dashboard.identity import Forbidden, Unauthenticated
from functions.dashboard.pages import render
from shared.core.errors import DataError, NotFound, PipelineError

logger = logging.getLogger(__name__)


def install_error_answers(app: Flask) -> None:
    """Every error has its status and one sentence; who has no role sees nothing else of a page."""

    @app.errorhandler(Unauthenticated)
    def refuse_unknown(error: Unauthenticated) -> Response:
        logger.warning("refused: %s", error)
        return answer_error(http.HTTPStatus.UNAUTHORIZED, str(error))

    @app.errorhandler(Forbidden)
    def refuse_known(error: Forbidden) -> Response:
        logger.warning("refused: %s", error)
        return _answer(http.HTTPStatus.FORBIDDEN, str(error))

    @app.errorhandler(DataError)
    def refuse_input(error: DataError) -> Response:
        return _answer(http.HTTPStatus.BAD_REQUEST, str(error))

    @app.errorhandler(NotFound)
    def refuse_name(error: NotFound) -> Response:
        return _answer(http.HTTPStatus.NOT_FOUND, str(error))

    @app.errorhandler(PipelineError)
    def report_failure(error: PipelineError) -> Response:
        logger.error("failed: %s", error, extra={"fields": {"event": error.event}})
        return _answer(http.HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    @app.errorhandler(HTTPException)
    def refuse_request(error: HTTPException) -> Response:
        return _answer(error.code or 500, error.description or error.name)


def _answer(status: int, sentence: str) -> Response:
    is_page = "/api/" not in request.path and "text/html" in request.headers.get("Accept", "")
    if not is_page or "identity" not in g:
        return answer_error(status, sentence)
    return Response(
        render("", "error.html", title="Something is wrong", sentence=sentence), status, mimetype="text/html"
    )
