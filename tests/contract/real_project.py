"""A throwaway Google Cloud project in the emulators' place: what a suite needs is made over REST,
and taken away after.

`make contract PROJECT_ID=... NAME_PREFIX=ct-` names it in CONTRACT_PROJECT and CONTRACT_PREFIX.
Everything that is made has the prefix and a word of its own: two sessions do not meet, and nothing
else in the project is touched.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote

import httpx

from local.emulators import prepare
from shared.core.pipeline import Pipeline
from shared.stores.warehouse.schemas import DATASETS

ENDPOINTS = {
    "bigquery": "https://bigquery.googleapis.com",
    "firestore": "https://firestore.googleapis.com",
    "pubsub": "https://pubsub.googleapis.com",
    "storage": "https://storage.googleapis.com",
}
_SECONDS = 60.0
_MOST_WRITES = 400
# A database takes a minute or more to be made.
_PAUSE_SECONDS = 5.0


class GoogleAuth(httpx.Auth):
    """Signs requests as who is signed in on this machine (application default credentials)."""

    def __init__(self) -> None:
        import google.auth
        from google.auth.transport.requests import Request

        self._credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
        self._request = Request()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        if not self._credentials.valid:
            self._credentials.refresh(self._request)
        request.headers["Authorization"] = f"Bearer {self._credentials.token}"
        yield request


@dataclass(frozen=True)
class RealProject:
    """A project, and what stands before the names of all that is made there (ct-)."""

    project: str
    prefix: str
    auth: httpx.Auth | None
    endpoints: Mapping[str, str] = field(default_factory=lambda: ENDPOINTS)
    location: str = "us-central1"

    def own_name(self) -> str:
        """A name that nothing else has: ct-1a2b3c4d."""
        return f"{self.prefix}{uuid.uuid4().hex[:8]}"

    def _client(self, service: str) -> httpx.Client:
        return httpx.Client(base_url=self.endpoints[service], timeout=_SECONDS, auth=self.auth)

    @contextmanager
    def topics(self, pipeline: Pipeline) -> Iterator[str]:
        """The prefix of a pipeline's topics and pull subscriptions, which are there for the
        block.
        """
        prefix = f"{self.own_name()}-"
        try:
            prepare.topics(self.endpoints["pubsub"], self.project, pipeline, prefix=prefix, auth=self.auth)
            yield prefix
        finally:
            with self._client("pubsub") as client:
                for kind, names in (("subscriptions", pipeline.pullable), ("topics", pipeline.topics)):
                    for name in names:
                        _ignore_gone(client.delete(f"/v1/projects/{self.project}/{kind}/{prefix}{name}"))

    @contextmanager
    def bucket(self) -> Iterator[str]:
        """The name of a bucket that is there, and empty at first, for the block."""
        name = f"{self.project}-{self.own_name()}"
        url = self.endpoints["storage"]
        try:
            prepare.bucket(url, self.project, name, location=self.location, auth=self.auth)
            yield name
        finally:
            with self._client("storage") as client:
                listed = client.get(f"/storage/v1/b/{name}/o").json()
                while items := listed.get("items", []):
                    for each in items:
                        _ignore_gone(client.delete(f"/storage/v1/b/{name}/o/{quote(each['name'], safe='')}"))
                    listed = client.get(f"/storage/v1/b/{name}/o").json()
                _ignore_gone(client.delete(f"/storage/v1/b/{name}"))

    @contextmanager
    def datasets(self) -> Iterator[str]:
        """The prefix of the declared datasets with their tables and views, which are there for the
        block.
        """
        prefix = f"{self.own_name().replace('-', '_')}_"
        url = self.endpoints["bigquery"]
        try:
            prepare.tables(url, self.project, prefix=prefix, location=self.location, auth=self.auth)
            yield prefix
        finally:
            with self._client("bigquery") as client:
                for dataset in DATASETS:
                    path = f"/bigquery/v2/projects/{self.project}/datasets/{prefix}{dataset}"
                    _ignore_gone(client.delete(path, params={"deleteContents": "true"}))

    @contextmanager
    def database(self) -> Iterator[str]:
        """The name of a Firestore database of its own, which is there for the block."""
        name = self.own_name()
        databases = f"/v1/projects/{self.project}/databases"
        with self._client("firestore") as client:
            body = {"type": "FIRESTORE_NATIVE", "locationId": self.location}
            operation = client.post(databases, params={"databaseId": name}, json=body).raise_for_status().json()
            try:
                while not operation.get("done"):
                    threading.Event().wait(_PAUSE_SECONDS)
                    operation = client.get(f"/v1/{operation['name']}").raise_for_status().json()
                yield name
            finally:
                _ignore_gone(client.delete(f"{databases}/{name}"))

    def clear(self, database: str) -> None:
        """Delete every document of a database, those below others included."""
        root = f"projects/{self.project}/databases/{database}/documents"
        with self._client("firestore") as client:
            names = list(_documents(client, root))
            for start in range(0, len(names), _MOST_WRITES):
                writes = [{"delete": name} for name in names[start : start + _MOST_WRITES]]
                client.post(f"/v1/{root}:commit", json={"writes": writes}).raise_for_status()


def _documents(client: httpx.Client, parent: str) -> Iterator[str]:
    """Full names of the documents below a parent, deepest first; missing ones between are walked
    through.
    """
    collections = client.post(f"/v1/{parent}:listCollectionIds", json={}).raise_for_status().json()
    for collection in collections.get("collectionIds", []):
        page = ""
        while True:
            asked = {"pageSize": "300", "showMissing": "true", "mask.fieldPaths": "__name__", "pageToken": page}
            found = client.get(f"/v1/{parent}/{quote(collection)}", params=asked).raise_for_status().json()
            for document in found.get("documents", []):
                yield from _documents(client, document["name"])
                yield document["name"]
            page = found.get("nextPageToken", "")
            if not page:
                break


def _ignore_gone(response: httpx.Response) -> None:
    if response.status_code != httpx.codes.NOT_FOUND:
        response.raise_for_status()


@cache
def real_project() -> RealProject | None:
    """The project that the suites are held to, where one is named; else they run on emulators."""
    project = os.environ.get("CONTRACT_PROJECT", "")
    return RealProject(project, os.environ["CONTRACT_PREFIX"], GoogleAuth()) if project else None
