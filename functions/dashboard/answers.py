"""Answers as JSON."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Response, request

from shared.core.redaction import redact_json
from shared.operations.api.as_json import as_json


def answer_json(value: Any, status: int = 200) -> Response:
    """A read model as JSON, with an ETag of its content; 304 where the asker has it already."""
    text = json.dumps(redact_json(as_json(value)), ensure_ascii=False)
    response = Response(text + "\n", status=status, mimetype="application/json")
    if request.method in ("GET", "HEAD") and status == 200:
        response.set_etag(hashlib.sha256(text.encode()).hexdigest()[:32])
        response.headers["Cache-Control"] = "no-cache"
        response.make_conditional(request)
    return response


def answer_error(status: int, sentence: str) -> Response:
    """What is wrong, in one sentence."""
    return answer_json({"error": sentence}, status)
