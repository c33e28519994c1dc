"""Ports in memory: the bus, whose messages the simulation delivers itself, and buckets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.core.clock import Clock
from shared.core.errors import Fatal, NotFound, PreconditionFailed
from shared.core.pipeline import Pipeline
from shared.stores.message_limits import check_publication
from shared.stores.ports import Blob, Publication, PulledMessage, check_object_name


@dataclass(frozen=True)
class Message:
    """A message as published.

    `name` says where it comes from, the same in every replay of a seed.
    """

    message_id: str
    topic: str
    data: bytes
    attributes: Mapping[str, str]
    name: str
    published_at: datetime


class MemoryBus:
    """ports.Bus.

    Every published message is handed to `on_publish`; pull subscriptions keep theirs.
    """

    def __init__(self, pipeline: Pipeline, clock: Clock) -> None:
        self._clock = clock
        self._topics = frozenset(pipeline.topics)
        self._pull = pipeline.pullable
        self._waiting: dict[str, dict[str, PulledMessage]] = {name: {} for name in self._pull}
        self._names: dict[str, int] = {}
        self.published: list[Message] = []
        self.on_publish: Callable[[Message], None] = lambda message: None

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str] | None = None) -> str:
        return self.publish_as("", topic, data, attributes).message_id

    def publish_all(self, topic: str, messages: Sequence[Publication]) -> list[str]:
        for message in messages:
            check_publication(self._topics, topic, message.data, message.attributes)
        return [self.publish(topic, message.data, message.attributes) for message in messages]

    def publish_as(self, name: str, topic: str, data: bytes, attributes: Mapping[str, str] | None = None) -> Message:
        """Publish under a name; without one, that of its outbox entry or of its content."""
        attributes = dict(attributes or {})
        check_publication(self._topics, topic, data, attributes)
        name = name or attributes.get("outbox_id") or hashlib.blake2b(data, digest_size=6).hexdigest()
        name = f"{topic} {name}"
        self._names[name] = times = self._names.get(name, 0) + 1
        name = name if times == 1 else f"{name} ({times})"
        # from the name, so that an id does not depend on what else was published before
        digest = hashlib.blake2b(name.encode(), digest_size=6).digest()
        message = Message(str(int.from_bytes(digest, "big")), topic, bytes(data), attributes, name, self._clock.now())
        self.published.append(message)
        for subscription, pulled in self._pull.items():
            if pulled == topic:
                self._waiting[subscription][message.message_id] = PulledMessage(
                    message.message_id, message.message_id, message.data, attributes
                )
        self.on_publish(message)
        return message

    def pull(self, subscription: str, limit: int = 100) -> list[PulledMessage]:
        return list(self._require_known(subscription).values())[:limit]

    def ack(self, subscription: str, ack_ids: Sequence[str]) -> list[str]:
        waiting = self._require_known(subscription)
        return [ack_id for ack_id in ack_ids if waiting.pop(ack_id, None) is None]

    def _require_known(self, subscription: str) -> dict[str, PulledMessage]:
        if subscription not in self._waiting:
            names = ", ".join(sorted(self._waiting))
            raise NotFound(f"There is no pull subscription {subscription!r}.", next_step=f"use one of: {names}.")
        return self._waiting[subscription]


@dataclass
class MemoryBlobs:
    """ports.Blobs in a dictionary."""

    objects: dict[str, Blob] = field(default_factory=dict)

    def write(
        self,
        path: str,
        data: bytes,
        *,
        content_type: str,
        cache_control: str | None = None,
        if_generation: int | None = None,
    ) -> int:
        _check(path)
        before = self.objects.get(path)
        found = before.generation if before else 0
        if if_generation is not None and if_generation != found:
            raise PreconditionFailed(f"{path} has generation {found}, not {if_generation}.")
        self.objects[path] = Blob(path, bytes(data), found + 1, content_type, cache_control)
        return found + 1

    def read(self, path: str) -> Blob:
        _check(path)
        if path not in self.objects:
            raise NotFound(f"There is no object {path}.")
        return self.objects[path]

    def read_start(self, path: str, size: int) -> bytes:
        return self.read(path).data[:size]

    def list(self, prefix: str) -> list[str]:
        return sorted(path for path in self.objects if path.startswith(prefix))

    def copy(self) -> MemoryBlobs:
        """Another bucket with the same objects."""
        return MemoryBlobs(dict(self.objects))


def _check(path: str) -> None:
    check_object_name(path)
    if any(part in {"", ".", ".."} for part in path.split("/")) or "\\" in path or "\0" in path:
        raise Fatal(f"{path!r} is no object name.", next_step="write v1/name.json.")
