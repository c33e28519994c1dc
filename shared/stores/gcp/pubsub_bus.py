"""The bus port on Pub/Sub: whole batches published by one request each, dead letters listed without
hiding them.

Requests are made directly rather than through the library's background batching: a request either
gives the ids of all its messages or raises, and nothing is left to a thread that a function's
instance may never let run again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from google.api_core import exceptions as google
from google.api_core.retry import Retry, if_exception_type
from google.pubsub_v1.types import PubsubMessage, PullRequest, ReceivedMessage

from shared.core.errors import NotFound
from shared.core.pipeline import Pipeline
from shared.stores.gcp.errors import errors
from shared.stores.message_limits import MAX_MESSAGES, check_publication, room_of_a_request, size_of
from shared.stores.ports import Publication, PulledMessage

logger = logging.getLogger(__name__)

# In one request. An answer that comes too late has leased its messages all the same: the time is
# for the transfer too.
_MOST_PULLED = 100
_MOST_RELEASED = 1_000
_PULL_SECONDS = 5.0
# Pub/Sub may answer with none while messages wait, above all just after they were given back.
_EMPTY_ANSWERS = 2
_REQUEST_SECONDS = 30.0
# The library's own retry goes on for ten minutes, longer than any function lives. Done twice is no
# harm: every receiver is idempotent.
_RETRY = Retry(
    predicate=if_exception_type(google.TooManyRequests, google.ServerError, google.Aborted, google.Cancelled),
    initial=0.1,
    maximum=10.0,
    multiplier=2.0,
    timeout=60.0,
)
_SOURCE = "CloudPubSubDeadLetterSourceSubscription"


class PubSubBus:
    """ports.Bus on the topics and pull subscriptions of a pipeline in one project; safe to use from
    many threads.

    Args:
        publisher, subscriber: make the clients of google.pubsub_v1, at first use.
        prefix: stands before every topic's and subscription's name in the project, and is nowhere
            else to be seen.
        pull_seconds: how long to wait for (more) messages; a subscription without any in that time
            is empty.
    """

    def __init__(
        self,
        publisher: Callable[[], Any],
        subscriber: Callable[[], Any],
        project: str,
        pipeline: Pipeline,
        *,
        prefix: str = "",
        pull_seconds: float = _PULL_SECONDS,
    ) -> None:
        self._publisher = publisher
        self._subscriber = subscriber
        self._project = project
        self._topics = frozenset(pipeline.topics)
        self._pull = frozenset(pipeline.pullable)
        self._prefix = prefix
        self._seconds = pull_seconds

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str] | None = None) -> str:
        (message_id,) = self.publish_all(topic, [Publication(data, attributes or {})])
        return message_id

    def publish_all(self, topic: str, messages: Sequence[Publication]) -> list[str]:
        """The ids, in order.

        Raises StoreUnavailable where a batch got no answer: those before it are published.
        """
        for message in messages:
            check_publication(self._topics, topic, message.data, message.attributes)
        published: list[str] = []
        for batch in batches(messages):
            with errors(f"Publishing {len(batch)} messages to {topic} failed"):
                answer = self._publisher().publish(
                    topic=f"projects/{self._project}/topics/{self._prefix}{topic}",
                    messages=[PubsubMessage(data=each.data, attributes=dict(each.attributes)) for each in batch],
                    retry=_RETRY,
                    timeout=_REQUEST_SECONDS,
                )
            published += answer.message_ids
        return published

    def pull(self, subscription: str, limit: int = 100) -> list[PulledMessage]:
        """Messages waiting, oldest first, each under its message id; they go back at once, so that
        others see them.
        """
        path = self._require_pull(subscription)
        found: dict[str, ReceivedMessage] = {}
        leased: list[str] = []
        try:
            for received in self._receive(path, limit):
                leased.append(received.ack_id)
                found[received.message.message_id] = received
        finally:
            self._release(path, leased)
        ordered = sorted(found.values(), key=_age)
        return [self._make_pulled(each.message) for each in ordered[:limit]]

    def ack(self, subscription: str, ack_ids: Sequence[str]) -> list[str]:
        """Pulls once more and acknowledges those; what is not waiting was acknowledged, or is out
        with another pull.
        """
        path = self._require_pull(subscription)
        asked, wanted = frozenset(ack_ids), set(ack_ids)
        others: list[str] = []
        try:
            for batch in self._batches(path, _MOST_PULLED) if wanted else ():
                ours = [each for each in batch if each.message.message_id in asked]
                others += [each.ack_id for each in batch if each.message.message_id not in asked]
                if ours:
                    with errors(f"Acknowledging {len(ours)} messages of {subscription} failed"):
                        ids = [each.ack_id for each in ours]
                        self._subscriber().acknowledge(subscription=path, ack_ids=ids, retry=_RETRY)
                    wanted -= {each.message.message_id for each in ours}
                if not wanted:
                    break
        finally:
            self._release(path, others)
        if wanted:
            logger.info("not waiting in %s, so not acknowledged: %s", subscription, ", ".join(sorted(wanted)))
        return sorted(wanted)

    # --- inside -----------------------------------------------------------------------------------

    def _receive(self, path: str, limit: int) -> Iterator[ReceivedMessage]:
        """Messages until so many were given, or none is waiting; they are leased meanwhile, so none
        comes twice.
        """
        given = 0
        for batch in self._batches(path, limit):
            yield from batch
            given += len(batch)
            if given >= limit:
                return

    def _batches(self, path: str, limit: int) -> Iterator[list[ReceivedMessage]]:
        """What one pull after another gives, until none came in the time, or none with several
        answers in a row.
        """
        empty = 0
        while empty < _EMPTY_ANSWERS:
            request = PullRequest(subscription=path, max_messages=min(limit, _MOST_PULLED))
            try:
                with errors(f"Pulling from {path} failed"):
                    try:
                        answer = self._subscriber().pull(request=request, retry=None, timeout=self._seconds)
                    except google.DeadlineExceeded:
                        return  # none came in that time
            except NotFound as error:
                raise NotFound(
                    error.message, next_step="run `terraform apply`: it makes every subscription."
                ) from error
            empty = 0 if answer.received_messages else empty + 1
            if answer.received_messages:
                yield list(answer.received_messages)

    def _release(self, path: str, ack_ids: Sequence[str]) -> None:
        for first in range(0, len(ack_ids), _MOST_RELEASED):
            with errors(f"Giving messages back to {path} failed"):
                self._subscriber().modify_ack_deadline(
                    subscription=path,
                    ack_ids=ack_ids[first : first + _MOST_RELEASED],
                    ack_deadline_seconds=0,
                    retry=_RETRY,
                )

    def _require_pull(self, subscription: str) -> str:
        if subscription not in self._pull:
            names = ", ".join(sorted(self._pull))
            raise NotFound(f"There is no pull subscription {subscription!r}.", next_step=f"use one of: {names}.")
        return f"projects/{self._project}/subscriptions/{self._prefix}{subscription}"

    def _make_pulled(self, message: PubsubMessage) -> PulledMessage:
        attributes = dict(message.attributes)
        if _SOURCE in attributes:
            attributes[_SOURCE] = attributes[_SOURCE].removeprefix(self._prefix)
        # An ack id of Pub/Sub's ends with the lease, and the lease has been given back: the
        # message's id stays.
        return PulledMessage(message.message_id, message.message_id, bytes(message.data), attributes)


def batches(messages: Sequence[Publication]) -> Iterator[list[Publication]]:
    """The messages in their order, in parts that one publish request may carry."""
    batch: list[Publication] = []
    room = room_of_a_request()
    for message in messages:
        size = size_of(message.data, message.attributes)
        if batch and (size > room or len(batch) == MAX_MESSAGES):
            yield batch
            batch, room = [], room_of_a_request()
        batch.append(message)
        room -= size
    if batch:
        yield batch


def _age(received: ReceivedMessage) -> tuple[Any, int, str]:
    message = received.message
    return message.publish_time, len(message.message_id), message.message_id
