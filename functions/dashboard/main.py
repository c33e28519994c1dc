"""Entry point of dashboard: people ask it by HTTP, no topic does."""

from __future__ import annotations

import flask
import werkzeug

from functions.dashboard.app import create_app
from functions.dashboard.kept_answers import KeptAnswers
from shared.core.logs import configure_logging, log_context
from shared.core.pipeline import load_pipeline
from shared.stores.runtime import get_runtime

configure_logging()
_app = create_app(get_runtime, load_pipeline(), kept=KeptAnswers())


def dashboard(request: flask.Request) -> werkzeug.Response:
    """Answer one request of a person's browser or command."""
    trace = request.headers.get("X-Cloud-Trace-Context", "").split("/")[0]
    with log_context(function="dashboard", trace=trace):
        return werkzeug.Response.from_app(_app, request.environ)
