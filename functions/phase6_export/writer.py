"""Writes checked files to the export bucket so that an older run never overwrites a newer one.

Each write carries the generation that was read: a file that another run changed in between is read
again and decided again. Content type and Cache-Control go with the content in the same write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from functions.phase6_export.document import Document, order_of, read_json
from shared.core.concurrency import all_of
from shared.core.errors import NotFound, PreconditionFailed, WriteConflict
from shared.stores.ports import Blobs

CONTENT_TYPE = "application/json; charset=utf-8"
# Runs of one date are few: whoever loses this often is not racing but broken.
ATTEMPTS = 5
# A write to a bucket waits for the network; 300 player files one after the other would take half a
# minute.
THREADS = 16


@dataclass
class Writer:
    """Writes files and keeps what became of each: `written`, or `kept` because the bucket's is of a
    newer run.
    """

    blobs: Blobs
    written: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def write(self, document: Document) -> None:
        """Write one file unless the bucket's is newer.

        Raises WriteConflict where others keep changing it.
        """
        self._note(document.path, self._put(document.path, partial(_whole, lambda: document)))

    def write_all(self, builders: Mapping[str, Callable[[], Document]]) -> None:
        """Write many small files at the same time, each made when its turn comes; noted in the
        order given."""
        self._put_all({path: partial(_whole, build) for path, build in builders.items()})

    def rewrite_all(self, builders: Mapping[str, Callable[[Any], Document]]) -> None:
        """Rewrite many small files at the same time; they are noted in the order given."""
        self._put_all({path: partial(_from_before, build) for path, build in builders.items()})

    def rewrite(self, path: str, build: Callable[[Any], Document]) -> None:
        """Write a file that is made from what it held before (None where there was none)."""
        self._note(path, self._put(path, partial(_from_before, build)))

    def _note(self, path: str, was_written: bool) -> None:
        (self.written if was_written else self.kept).append(path)

    def _put_all(self, builders: Mapping[str, Callable[[bytes | None], Document]]) -> None:
        tasks = {path: partial(self._put, path, build) for path, build in builders.items()}
        for path, was_written in all_of(tasks, THREADS, name="export").items():
            self._note(path, was_written)

    def _put(self, path: str, build: Callable[[bytes | None], Document]) -> bool:
        """Write what `build` makes of the bytes before; False where the bucket's is newer."""
        for _ in range(ATTEMPTS):
            generation, before = self._read(path)
            document = build(before)
            existing = order_of(before)
            if existing is not None and existing > document.order:
                return False
            try:
                self.blobs.write(
                    path,
                    document.data,
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

    def _read(self, path: str) -> tuple[int, bytes | None]:
        """Generation and bytes of a file; 0 and None where there is none."""
        try:
            blob = self.blobs.read(path)
        except NotFound:
            return 0, None
        return blob.generation, blob.data


def _whole(build: Callable[[], Document], _before: bytes | None) -> Document:
    return build()


def _from_before(build: Callable[[Any], Document], before: bytes | None) -> Document:
    return build(read_json(before))
