"""What Terraform makes in a project, made over REST in emulators, or with `auth` in a throwaway
project: topics, subscriptions, buckets, tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from shared.core.errors import PipelineError
from shared.core.pipeline import Pipeline
from shared.stores.warehouse.schemas import DATASETS, SCHEMA_FOLDER, all_schemas, all_views
from shared.stores.warehouse.sql import with_prefix

_SECONDS = 60.0


class EmulatorRefused(PipelineError):
    """An emulator did not do what it was asked."""


def topics(
    address: str,
    project: str,
    pipeline: Pipeline,
    *,
    prefix: str = "",
    push: str = "",
    token: str = "",
    auth: httpx.Auth | None = None,
) -> None:
    """Every topic and pull subscription of a pipeline; with `push`, the push subscriptions too.

    Args:
        address: host:port of the Pub/Sub emulator, or the service's URL.
        push: URL below which each function answers under its name.
        token: what that asks for; the emulator's pushes bring it in the URL, since they can have no
            header of ours.
    """
    query = f"?{urlencode({'token': token})}" if token else ""
    url = address if "://" in address else f"http://{address}"
    with httpx.Client(base_url=f"{url}/v1/projects/{project}", timeout=_SECONDS, auth=auth) as client:

        def find_name(name: str) -> str:
            return f"projects/{project}/topics/{prefix}{name}"

        for topic in pipeline.topics:
            _done(client.put(f"/topics/{prefix}{topic}", json={}))
        for name, topic in pipeline.pullable.items():
            body = {"topic": find_name(topic), "ackDeadlineSeconds": 60}
            _done(client.put(f"/subscriptions/{prefix}{name}", json=body))
        for each in pipeline.subscriptions.values() if push else ():
            body = {
                "topic": find_name(each.topic),
                "ackDeadlineSeconds": each.ack_deadline_seconds,
                "pushConfig": {"pushEndpoint": f"{push}/{each.function}{query}"},
                "retryPolicy": {
                    "minimumBackoff": f"{each.min_backoff_seconds}s",
                    "maximumBackoff": f"{each.max_backoff_seconds}s",
                },
                "deadLetterPolicy": {
                    "deadLetterTopic": find_name(each.dead_letter_topic),
                    "maxDeliveryAttempts": each.max_delivery_attempts,
                },
            }
            _done(client.put(f"/subscriptions/{prefix}{each.name}", json=body))


def bucket(url: str, project: str, name: str, *, location: str = "", auth: httpx.Auth | None = None) -> None:
    """A bucket of a Cloud Storage emulator, or of the service at its URL."""
    body = {"name": name, **({"location": location} if location else {})}
    with httpx.Client(base_url=url, timeout=_SECONDS, auth=auth) as client:
        _done(client.post("/storage/v1/b", params={"project": project}, json=body))


def tables(url: str, project: str, *, prefix: str = "", location: str = "US", auth: httpx.Auth | None = None) -> None:
    """The declared datasets, tables and views in a BigQuery emulator, or in the service at its URL.

    No table requires a partition filter: the contract suites empty whole tables.
    """
    base = f"{url}/bigquery/v2/projects/{project}"
    with httpx.Client(base_url=base, timeout=_SECONDS, auth=auth) as client:
        for dataset in DATASETS:
            reference = {"projectId": project, "datasetId": prefix + dataset}
            _done(client.post("/datasets", json={"datasetReference": reference, "location": location}))
        for schema in all_schemas():
            resource = json.loads((SCHEMA_FOLDER / f"{schema.name}.json").read_text(encoding="utf-8"))
            resource.pop("requirePartitionFilter", None)
            if not schema.constraint:
                resource.pop("tableConstraints", None)
            _table(client, project, prefix, schema.name, resource)
        for view, sql in all_views():
            query = {"query": with_prefix(sql, prefix), "useLegacySql": False}
            _table(client, project, prefix, view, {"view": query})


def _table(client: httpx.Client, project: str, prefix: str, name: str, resource: Mapping[str, Any]) -> None:
    dataset, _, table = name.partition(".")
    reference = {"projectId": project, "datasetId": prefix + dataset, "tableId": table}
    _done(client.post(f"/datasets/{prefix}{dataset}/tables", json={**resource, "tableReference": reference}))


def _done(response: httpx.Response) -> None:
    if response.status_code >= 400:
        raise EmulatorRefused(f"{response.request.url} answered {response.status_code}: {response.text[:500]}")
