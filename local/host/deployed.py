"""The deployed pipeline as operators reach it with their own credentials: what /admin of a local
runtime does, there.

RUNTIME=gcp and PROJECT_ID choose it; NAME_PREFIX and FIRESTORE_DATABASE another environment than
the first.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, request

from local.host.admin import NDJSON, signature_of
from local.host.bodies import MAX_BODY, Refusal
from local.host.request_fields import text_field
from local.host.server import FUNCTIONS, Server, mount_functions
from local.host.token import Endpoint
from shared.core.errors import ConfigError, DataError
from shared.core.logs import configure_logging
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.operations import publishing
from shared.stores.runtime import GCP, Runtime, open_deployed_runtime, use_runtime

BUCKETS = ("raw", "exports", "models")


def is_asked_for(environment: Mapping[str, str]) -> bool:
    """Whether RUNTIME names the deployed pipeline."""
    return environment.get("RUNTIME") == GCP


def settings(environment: Mapping[str, str]) -> Settings:
    """The settings, buckets named as Terraform names them. Raises ConfigError without a project."""
    project = environment.get("PROJECT_ID") or environment.get("GOOGLE_CLOUD_PROJECT") or ""
    if not project:
        raise ConfigError("RUNTIME=gcp needs PROJECT_ID.", next_step="say PROJECT_ID=my-nba-project.")
    prefix = environment.get("NAME_PREFIX", "")
    named = {f"{bucket.upper()}_BUCKET": f"{project}-{prefix}nba-{bucket}" for bucket in BUCKETS}
    return Settings.from_environment({**named, **environment, "PROJECT_ID": project})


@contextmanager
def open_deployed(environment: Mapping[str, str]) -> Iterator[Endpoint]:
    """The endpoint of this process under which operators' actions are taken on the deployed
    pipeline: /admin, and the dashboard with its API.
    """
    with warnings_to_standard_error(), serve_operations(open_deployed_runtime(settings(environment))) as endpoint:
        yield endpoint


@contextmanager
def warnings_to_standard_error() -> Iterator[None]:
    """What functions of this process log, while the block lasts: standard output is a command's
    answer.
    """
    handler = configure_logging()
    stream, level = handler.stream, handler.level
    handler.setStream(sys.stderr)
    handler.setLevel(logging.WARNING)
    try:
        yield
    finally:
        handler.setStream(stream)
        handler.setLevel(level)


@contextmanager
def serve_operations(runtime: Runtime) -> Iterator[Endpoint]:
    """Serve what operators ask and do of a runtime; whoever has the endpoint's token acts as the
    user of this machine.
    """
    pipeline = load_pipeline()
    pages = [name for name, each in pipeline.functions.items() if each.http]
    server = Server()
    use_runtime(runtime)
    try:
        server.mount("/admin", create_app(runtime))
        mount_functions(server, pages, FUNCTIONS, pages)
        server.start()
        yield server.endpoint
    finally:
        server.stop()
        use_runtime(None)


def create_app(runtime: Runtime) -> Flask:
    """What admin.py answers, without waiting: what a message brings about happens there, and is
    logged there.
    """
    app = Flask("deployed")

    @app.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> Response:
        return _lines(refusal.status, {"error": str(refusal)})

    @app.errorhandler(DataError)
    def refuse_input(error: DataError) -> Response:
        return _lines(400, {"error": str(error)})

    @app.post("/idle")
    def do_not_wait() -> dict[str, Any]:
        return {}

    @app.post("/publish")
    def publish() -> Response:
        asked = request.get_json()
        if asked.get("at"):
            return _lines(400, {"error": f"AT={asked['at']}: time cannot be set on Google Cloud."})
        message = text_field(asked, "message", most=MAX_BODY)
        topic, attributes = text_field(asked, "topic"), asked.get("attributes") or {}
        message_id = publishing.publish(runtime, topic, message.encode(), attributes, signature_of(asked))
        published = {"event": "published", "message_id": message_id}
        return _lines(200, published, {"event": "idle", "dead_letters": [], "held": [], "pending": 0})

    return app


def _lines(status: int, *answers: Mapping[str, Any]) -> Response:
    return Response("".join(f"{json.dumps(answer)}\n" for answer in answers), status=status, mimetype=NDJSON)
