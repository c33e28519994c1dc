"""The application: every request has an identity before anything answers it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response, g, request

from functions.dashboard.api import create_api
from functions.dashboard.asking import begin_request
from functions.dashboard.error_answers import install_error_answers
from functions.dashboard.identity import Forbidden, Verifiers, identify
from functions.dashboard.kept_answers import KeptAnswers
from functions.dashboard.pages import create_pages
from functions.dashboard.tokens import Keys, verifiers_of
from functions.dashboard.wording import install_filters
from shared.core.pipeline import Pipeline
from shared.stores.runtime import Runtime

# A form or a JSON object of an action; ids of a thousand dead letters fit.
MAX_BODY = 1_000_000
# Everything a page needs comes from here; nothing may frame it, and no script stands in the page.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # with no-referrer a browser sends the Origin "null" with its own forms
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(
    runtime_of: Callable[[], Runtime],
    pipeline: Pipeline,
    verifiers: Callable[[Runtime], Verifiers] | None = None,
    kept: KeptAnswers | None = None,
) -> Flask:
    """The dashboard of a runtime, built at the first request.

    Args:
        runtime_of: the runtime as it is now: a repetition of simulated time replaces it.
        verifiers: how tokens are verified; None: with Google's public keys.
        kept: answers that are kept where the runtime is deployed; None: none are.
    """
    # functions-framework's own application answers /static
    app = Flask("dashboard", root_path=str(Path(__file__).parent), static_url_path="/assets")
    install_filters(app)
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
        begin_request(runtime, kept)
        g.identity = identify(request.environ, dict(request.headers), runtime.settings, verify(runtime))
        check_origin()

    def check_origin() -> None:
        """A browser says which page asks: no other site's page may. Commands send no Origin.

        Cloud Run speaks https with the browser and http with this process, and says so.
        """
        origin = request.headers.get("Origin")
        scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
        if origin is not None and origin.rstrip("/") != f"{scheme}://{request.host}":
            raise Forbidden(f"Origin {origin[:100]!r} is another site's page.")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise Forbidden("Another site's page asks.")

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    install_error_answers(app)
    app.register_blueprint(create_api(), url_prefix="/api/v1")
    app.register_blueprint(create_pages())
    return app
