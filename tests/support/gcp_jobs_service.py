"""BigQuery's jobs interface, as far as the emulator lacks it: ids used once, failed jobs, copies
that demand equal schemas. Answers the real client over its own HTTP session.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from email import message_from_bytes
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import requests
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery
from requests.adapters import BaseAdapter

from tests.support.gcp_tables import declared_table, mismatch, parse_create_table, put_in_place

PROJECT = "p"
Rows = list[dict[str, Any]]
RUNNING, DONE = {"state": "RUNNING"}, {"state": "DONE"}


class JobsService(BaseAdapter):
    """Keeps every job it was sent.

    Attributes:
        jobs: job id -> its resource, in the order of their arrival.
        loaded: rows of each load job that succeeded, by job id.
        failures: error results that the next jobs end with, first come first served.
        conflicts_at: a query with this text ends in a serialisation conflict.
        lose: answers to so many inserts are lost after they took effect.
        unreadable: of jobs of this kind the answer to the insert is lost, and they cannot be read
            yet.
        requests: every request's method, kind and time-out.
        running: jobs do not end.
        slow: a query runs on until its results are asked for.
        on_request: called at every request.
        answer: the rows of a query; columns: what its dry run says.
        tables: resources of tables as the project has them, by dataset.table; as declared where a
            test does not differ.
    """

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.loaded: dict[str, pa.Table] = {}
        self.failures: list[dict[str, str]] = []
        self.conflicts_at = ""
        self.lose = 0
        self.unreadable = ""
        self.answer: Callable[[str], Rows] = lambda sql: []
        self.columns: Rows = []
        self.deleted: list[str] = []
        self.tables: dict[str, dict[str, Any]] = {}
        self.running = self.slow = False
        self.on_request: Callable[[], None] = lambda: None
        self._ends: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, float | None]] = []

    def client(self) -> bigquery.Client:
        credentials = AnonymousCredentials()
        session = AuthorizedSession(credentials)
        session.mount("https://", self)
        # Said here, since a test of the emulators may have left their address to this process for
        # as long as they run.
        endpoint = {"api_endpoint": "https://bigquery.googleapis.com"}
        return bigquery.Client(
            project=PROJECT, location="US", credentials=credentials, _http=session, client_options=endpoint
        )

    def configurations(self, kind: str) -> list[dict[str, Any]]:
        """The configurations of the jobs of a kind (load, query, copy), dry runs left out."""
        found = (job["configuration"] for job in self.jobs.values())
        return [each for each in found if kind in each and not each.get("dryRun")]

    def table(self, name: str) -> dict[str, Any]:
        """The resource of a table, dataset.table with its prefix; as the schema file says until
        somebody changes it.
        """
        return self.tables.setdefault(name, declared_table(PROJECT, name))

    # --- requests ---------------------------------------------------------------------------------

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        path = re.sub(r"\?.*", "", str(request.url)).partition("/bigquery/v2/projects/p/")[2]
        self.requests.append((str(request.method), path.partition("/")[0], kwargs["timeout"]))
        self.on_request()
        if request.method == "POST":
            status, body = self._insert(request)
            if status == 200 and (self.lose > 0 or self.unreadable in body["configuration"]):
                self.lose -= 1
                raise requests.ConnectionError("the answer was lost")
        elif request.method == "DELETE":
            self.deleted.append(path)
            status, body = 204, {}
        elif path.startswith("queries/"):
            body = self._results(path.partition("/")[2])
            status = body["error"]["code"] if "error" in body else 200
        elif path.startswith("datasets/"):
            _, dataset, _, table = path.split("/")
            status, body = 200, self.table(f"{dataset}.{table}")
        else:
            name = path.partition("/")[2]
            seen = name in self.jobs and self.unreadable not in self.jobs[name]["configuration"]
            status, body = (200, self.jobs[name]) if seen else (404, _error(404, "notFound", "Not found: Job"))
        response = requests.Response()
        response.status_code, response.request, response.url = status, request, str(request.url)
        response.raw = io.BytesIO(json.dumps(body).encode())
        response.headers["Content-Type"] = "application/json"
        return response

    def close(self) -> None:
        """Nothing is open."""

    def _insert(self, request: requests.PreparedRequest) -> tuple[int, dict[str, Any]]:
        resource, data = _parts(request)
        name = resource["jobReference"]["jobId"]
        if name in self.jobs:
            return 409, _error(409, "duplicate", f"Already Exists: Job p:US.{name}")
        configuration = resource["configuration"]
        job = {
            "jobReference": {"projectId": PROJECT, "jobId": name, "location": "US"},
            "configuration": configuration,
            "status": RUNNING if self.running else DONE,
            "statistics": {},
        }
        self.jobs[name] = job
        failure = self._failure(configuration)
        if failure:
            job["status"] = {**DONE, "errorResult": failure, "errors": [failure]}
        elif "load" in configuration:
            self.loaded[name] = parquet.read_table(io.BytesIO(data))
            job["statistics"] = {"load": {"outputRows": str(self.loaded[name].num_rows)}}
        elif "query" in configuration:
            fields = [{"name": each["name"], "type": each["type"], "mode": "NULLABLE"} for each in self.columns]
            job["statistics"] = {"query": {"schema": {"fields": fields}, "numDmlAffectedRows": "3"}}
            configuration["query"].setdefault(
                "destinationTable", {"projectId": PROJECT, "datasetId": "_results", "tableId": f"anon{name}"}
            )
        if self.slow:
            self._ends[name], job["status"] = job["status"], RUNNING
        return 200, job

    def _failure(self, configuration: dict[str, Any]) -> dict[str, str] | None:
        if self.conflicts_at and self.conflicts_at in configuration.get("query", {}).get("query", ""):
            return {
                "reason": "invalidQuery",
                "message": "Transaction is aborted due to concurrent update against p:a.b.",
            }
        if self.failures and not configuration.get("dryRun"):
            return self.failures.pop(0)
        if "load" in configuration and configuration["load"]["writeDisposition"] == "WRITE_APPEND":
            return self._append(configuration["load"])
        return self._copy(configuration["copy"]) if "copy" in configuration else None

    def _append(self, load: dict[str, Any]) -> dict[str, str] | None:
        """A load may leave out columns that may be NULL; those that it names have the table's
        modes.
        """
        target = load["destinationTable"]
        there = {
            field["name"]: field
            for field in self.table(f"{target['datasetId']}.{target['tableId']}")["schema"]["fields"]
        }
        for field in load["schema"]["fields"]:
            mode = there.get(field["name"], {}).get("mode")
            if mode != field["mode"]:
                message = f"Field {field['name']} has changed mode from {mode} to {field['mode']}"
                return {"reason": "invalid", "message": f"Provided Schema does not match Table. {message}"}
        return None

    def _copy(self, copy: dict[str, Any]) -> dict[str, str] | None:
        """Put the made table's partition in place, or say how the schemas differ."""
        (source,), target = copy["sourceTables"], copy["destinationTable"]
        name = source["tableId"].partition("$")[0]
        (sql,) = (text for each in self.configurations("query") if f".{name}` (" in (text := each["query"]["query"]))
        made = parse_create_table(sql)
        table = self.table(f"{target['datasetId']}.{target['tableId'].partition('$')[0]}")
        differs = mismatch(made, table)
        if differs:
            place = f"{PROJECT}:{target['datasetId']}.{target['tableId']}"
            return {"reason": "invalid", "message": f"Provided Schema does not match Table {place}. {differs}"}
        put_in_place(made, table)
        return None

    def _results(self, name: str) -> dict[str, Any]:
        job = self.jobs[name]
        job["status"] = self._ends.pop(name, job["status"])
        if self.running:
            return {"jobComplete": False, "jobReference": job["jobReference"]}
        if "errorResult" in job["status"]:
            reason, message = job["status"]["errorResult"]["reason"], job["status"]["errorResult"]["message"]
            return _error(500 if reason == "backendError" else 400, reason, message)
        rows = self.answer(job["configuration"]["query"]["query"])
        fields = [_field(column, value) for column, value in rows[0].items()] if rows else []
        return {
            "jobComplete": True,
            "jobReference": job["jobReference"],
            "schema": {"fields": fields},
            "totalRows": str(len(rows)),
            "rows": [{"f": [{"v": _value(value)} for value in row.values()]} for row in rows],
        }


def _parts(request: requests.PreparedRequest) -> tuple[dict[str, Any], bytes]:
    """The job's resource and, of an upload, its data."""
    body = request.body if isinstance(request.body, bytes) else str(request.body).encode()
    content_type: str | bytes = request.headers["Content-Type"]  # bytes, of an upload
    kind = content_type.decode() if isinstance(content_type, bytes) else content_type
    if not kind.startswith("multipart/"):
        return json.loads(body), b""
    boundary = re.search(r"boundary=\"?([^\";']+)", kind)
    assert boundary is not None
    _, resource, data, _ = body.split(b"--" + boundary[1].encode())
    message = message_from_bytes(resource.lstrip())
    return json.loads(str(message.get_payload())), data.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")


def _error(status: int, reason: str, message: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}


def _field(name: str, value: object) -> dict[str, str]:
    return {"name": name, "type": "INTEGER", "mode": "REPEATED" if isinstance(value, list) else "NULLABLE"}


def _value(value: object) -> object:
    return [{"v": str(each)} for each in value] if isinstance(value, list) else str(value)
