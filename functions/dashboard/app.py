"""The application: every request has an identity before anything answers it."""

from __future__ import annotations

import http
import logging
from collections.abc import Callable

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from functions.dashboard.answers import answer_error
from functions.dashboard.api import create_api
from functions.dashboard.identity import Forbidden, Unauthenticated, Verifiers, identify
from functions.dashboard.tokens import Keys, verifiers_of
from shared.core.errors import DataError, NotFound, PipelineError
from shared.core.pipeline import Pipeline
from shared.stores.runtime import Runtime

logger = logging.getLogger(__name__)

# A form or a JSON object of an action; ids of a thousand dead letters fit.
MAX_BODY = 1_000_000
# Everything a page needs comes from here; nothing may frame it, and no script stands in the page.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(
    runtime_of: Callable[[], Runtime], pipeline: Pipeline, verifiers: Callable[[Runtime], Verifiers] | None = None
) -> Flask:
    """The dashboard of a runtime, built at the first request.

    Args:
        runtime_of: the runtime as it is now: a repetition of simulated time replaces it.
        verifiers: how tokens are verified; None: with Google's public keys.
    """
    app = Flask("dashboard", template_folder=None, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    keys: list[Keys] = []

    def verifiers_here(runtime: Runtime) -> Verifiers:
        if not keys:
            keys.append(Keys(runtime.clock))
        return verifiers_of(runtime.settings, keys[0])

    verify = verifiers or verifiers_here

    @app.before_request
    def know_who_asks() -> None:
        runtime = runtime_of()
        g.runtime, g.pipeline = runtime, pipeline
        g.identity = identify(request.environ, dict(request.headers), runtime.settings, verify(runtime))
        check_origin()

    def check_origin() -> None:
        """A browser says which page asks: no other site's page may. Commands send no Origin."""
        origin = request.headers.get("Origin")
        if origin is not None and origin.rstrip("/") != request.host_url.rstrip("/"):
            raise Forbidden(f"Origin {origin[:100]!r} is another site's page.")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise Forbidden("Another site's page asks.")

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.errorhandler(Unauthenticated)
    def refuse_unknown(error: Unauthenticated) -> Response:
        logger.warning("refused: %s", error)
        return answer_error(http.HTTPStatus.UNAUTHORIZED, str(error))

    @app.errorhandler(Forbidden)
    def refuse_known(error: Forbidden) -> Response:
        logger.warning("refused: %s", error)
        return answer_error(http.HTTPStatus.FORBIDDEN, str(error))

    @app.errorhandler(DataError)
    def refuse_input(error: DataError) -> Response:
        return answer_error(http.HTTPStatus.BAD_REQUEST, str(error))

    @app.errorhandler(NotFound)
    def refuse_name(error: NotFound) -> Response:
        return answer_error(http.HTTPStatus.NOT_FOUND, str(error))

    @app.errorhandler(PipelineError)
    def admit_failure(error: PipelineError) -> Response:
        logger.error("failed: %s", error, extra={"fields": {"event": error.event}})
        return answer_error(http.HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    @app.errorhandler(HTTPException)
    def refuse_request(error: HTTPException) -> Response:
        return answer_error(error.code or 500, error.description or error.name)

    app.register_blueprint(create_api(), url_prefix="/api/v1")
    return app
