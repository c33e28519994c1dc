"""Answers as JSON."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Response, request

from shared.core.redaction import redact_json
from shared.operations.api.as_json import as_json


def answer_json(value: Any, status: int = 200) -> Response:
    """A read model as JSON, with an ETag of what it says; 304 where the asker knows that already.

    The tag is a weak one: when something was read, and in how many seconds, is no change.
    """
    text = json.dumps(redact_json(as_json(value)), ensure_ascii=False)
    response = Response(text + "\n", status=status, mimetype="application/json")
    if request.method in ("GET", "HEAD") and status == 200:
        lasting = json.dumps(as_json(value, lasting=True), ensure_ascii=False)
        response.set_etag(hashlib.sha256(lasting.encode()).hexdigest()[:32], weak=True)
        response.headers["Cache-Control"] = "no-cache"
        response.make_conditional(request)
    return response


def answer_error(status: int, sentence: str) -> Response:
    """What is wrong, in one sentence."""
    return answer_json({"error": sentence}, status)
