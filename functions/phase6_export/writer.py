"""Writes checked files to the export bucket so that an older run never overwrites a newer one.

Each write carries the generation that was read: a file that another run changed in between is read again and decided
again. Content type and Cache-Control go with the content in the same write.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from functions.phase6_export.document import Document, Order
from shared.core.concurrency import all_of
from shared.core.errors import NotFound, PreconditionFailed, WriteConflict
from shared.stores.ports import Blobs

CONTENT_TYPE = "application/json; charset=utf-8"
# Runs of one date are few: whoever loses this often is not racing but broken.
ATTEMPTS = 5
# A write to a bucket waits for the network; 300 player files one after the other would take half a minute.
THREADS = 16


@dataclass
class Writer:
    """Writes files and keeps what became of each: `written`, or `kept` because the bucket's is of a newer run."""

    blobs: Blobs
    written: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def write(self, document: Document) -> None:
        """Write one file unless the bucket's is newer. Raises WriteConflict where others keep changing it."""
        self._note(document.path, self._put_whole(document))

    def write_all(self, documents: Sequence[Document]) -> None:
        """Write many small files at the same time; they are noted in the order given."""
        tasks = {index: partial(self._put_whole, document) for index, document in enumerate(documents)}
        for index, was_written in all_of(tasks, THREADS, name="export").items():
            self._note(documents[index].path, was_written)

    def rewrite_all(self, builders: Mapping[str, Callable[[Any], Document]]) -> None:
        """Rewrite many small files at the same time; they are noted in the order given."""
        tasks = {path: partial(self._put, path, build) for path, build in builders.items()}
        outcomes = all_of(tasks, THREADS, name="export")
        for path in builders:
            self._note(path, outcomes[path])

    def rewrite(self, path: str, build: Callable[[Any], Document]) -> None:
        """Write a file that is made from what it held before (None where there was none)."""
        self._note(path, self._put(path, build))

    def _note(self, path: str, was_written: bool) -> None:
        (self.written if was_written else self.kept).append(path)

    def _put_whole(self, document: Document) -> bool:
        return self._put(document.path, lambda _: document)

    def _put(self, path: str, build: Callable[[Any], Document]) -> bool:
        for _ in range(ATTEMPTS):
            generation, before = self._read(path)
            document = build(before)
            existing = Order.read(before)
            if existing is not None and existing > document.order:
                return False
            try:
                self.blobs.write(
                    path,
                    encode(document.body),
                    content_type=CONTENT_TYPE,
                    cache_control=f"public, max-age={document.max_age}",
                    if_generation=generation,
                )
            except PreconditionFailed:
                continue
            return True
        raise WriteConflict(
            f"{path} was changed by other runs {ATTEMPTS} times while it was being written.",
            next_step="nothing: this delivery is retried.",
        )

    def _read(self, path: str) -> tuple[int, Any]:
        """Generation and content of a file; 0 and None where there is none. What is not JSON counts as empty."""
        try:
            blob = self.blobs.read(path)
        except NotFound:
            return 0, None
        try:
            return blob.generation, json.loads(blob.data)
        except ValueError:
            return blob.generation, None


def encode(body: dict[str, Any]) -> bytes:
    """The bytes of a file: compact UTF-8, fields in the order of the exporter. NaN is refused."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
