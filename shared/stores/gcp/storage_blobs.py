"""The blobs port on Cloud Storage: one request writes data and metadata, preconditions go by
generation.
"""

from __future__ import annotations

import uuid

from google.api_core import exceptions as google
from google.cloud.storage import Client
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY

from shared.core.errors import Fatal, NotFound, PreconditionFailed, StoreUnavailable
from shared.stores.gcp.errors import errors
from shared.stores.ports import Blob, check_object_name

# Objects are small: one request each. Seconds.
_TIMEOUT = 60.0
_RETRY = DEFAULT_RETRY.with_timeout(60.0)
# Reads of an object that is being replaced the whole time.
_TRIES = 5
_WRITE = "write"  # metadata that names the write an object came from


class StorageBlobs:
    """ports.Blobs on one bucket; safe to use from many threads."""

    def __init__(self, client: Client, bucket: str) -> None:
        self._client = client
        self._bucket = client.bucket(bucket)

    def write(
        self,
        path: str,
        data: bytes,
        *,
        content_type: str,
        cache_control: str | None = None,
        if_generation: int | None = None,
    ) -> int:
        """Under a precondition a request without an answer is repeated; without one it raises
        StoreUnavailable.

        Repeated blindly, a late first try could put old data over another's newer.
        """
        _check(path)
        blob = self._bucket.blob(path)
        blob.cache_control = cache_control
        blob.metadata = {_WRITE: uuid.uuid4().hex}
        with errors(f"Writing {path} failed"):
            try:
                blob.upload_from_string(
                    data,
                    content_type=content_type,
                    if_generation_match=if_generation,
                    timeout=_TIMEOUT,
                    retry=None if if_generation is None else _RETRY,
                )
            except google.PreconditionFailed as error:
                return self._find_own_write(path, blob.metadata[_WRITE], if_generation, error)
            except DataCorruption as error:
                raise StoreUnavailable(
                    f"Writing {path} failed: {error}", next_step="nothing: it is tried again."
                ) from error
        return int(blob.generation)

    def read(self, path: str) -> Blob:
        """Data and metadata of one generation, however often the object is replaced meanwhile."""
        _check(path)
        for _ in range(_TRIES):
            with errors(f"Reading {path} failed"):
                blob = self._bucket.get_blob(path, timeout=_TIMEOUT, retry=_RETRY)
                if blob is None:
                    raise NotFound(f"There is no object {path} in the bucket {self._bucket.name}.")
                try:
                    data = blob.download_as_bytes(
                        if_generation_match=blob.generation, raw_download=True, timeout=_TIMEOUT, retry=_RETRY
                    )
                except (google.PreconditionFailed, google.NotFound):
                    continue
                except DataCorruption as error:
                    raise StoreUnavailable(f"Reading {path} failed: {error}") from error
            return Blob(path, data, int(blob.generation), str(blob.content_type), blob.cache_control or None)
        raise StoreUnavailable(f"{path} was replaced {_TRIES} times while it was read.", next_step="try again.")

    def read_start(self, path: str, size: int) -> bytes:
        """One request: whose generation the bytes are is not asked."""
        _check(path)
        with errors(f"Reading {path} failed"):
            try:
                data = self._bucket.blob(path).download_as_bytes(
                    start=0, end=size - 1, raw_download=True, timeout=_TIMEOUT, retry=_RETRY
                )
            except google.NotFound as error:
                raise NotFound(f"There is no object {path} in the bucket {self._bucket.name}.") from error
            except google.RequestRangeNotSatisfiable:
                # an empty object has no first byte
                return b""
        return bytes(data)

    def list(self, prefix: str) -> list[str]:
        with errors(f"Listing {prefix} failed"):
            found = self._client.list_blobs(
                self._bucket, prefix=prefix, fields="items(name),nextPageToken", timeout=_TIMEOUT, retry=_RETRY
            )
            return sorted(blob.name for blob in found)

    def _find_own_write(self, path: str, write: str, wanted: int | None, refused: google.PreconditionFailed) -> int:
        """The generation of our own write, where its answer was lost and its repetition refused.

        Raises else.
        """
        current = self._bucket.get_blob(path, timeout=_TIMEOUT, retry=_RETRY)
        if current is not None and (current.metadata or {}).get(_WRITE) == write:
            return int(current.generation)
        found = current.generation if current else 0
        raise PreconditionFailed(f"{path} has generation {found}, not {wanted}.") from refused


def _check(path: str) -> None:
    """As the embedded bucket does: what is no path of a folder is no name here either."""
    check_object_name(path)
    if any(part in {"", ".", ".."} for part in path.split("/")) or "\\" in path or "\0" in path:
        raise Fatal(f"{path!r} is no object name.", next_step="write v1/name.json.")
