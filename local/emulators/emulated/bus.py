"""The deployed bus as a day is played on it: what is published is waited for, dead letters are
seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from local.emulators.emulated.pushes import Pushes
from shared.core.pipeline import Pipeline
from shared.stores.ports import Bus, Publication, PulledMessage


class PlayedBus:
    """ports.Bus around another; what it publishes is reported to the pushes."""

    def __init__(self, bus: Bus, pipeline: Pipeline, pushes: Pushes) -> None:
        self._bus = bus
        self._pushes = pushes
        self._dead_letters = tuple(each.dead_letter_subscription for each in pipeline.subscriptions.values())
        self._named: dict[str, str] = {}
        self.topics = pipeline.topics

    # --- the port ---------------------------------------------------------------------------------

    def publish(
        self,
        topic: str,
        data: bytes,
        attributes: Mapping[str, str] | None = None,
        *,
        message_id: str | None = None,
    ) -> str:
        """Publish.

        `message_id` is a name of the publisher's own: what was published under it is not, again.
        """
        known = self._named.get(message_id) if message_id is not None else None
        if known is not None:
            return known
        (published,) = self.publish_all(topic, [Publication(data, attributes or {})])
        if message_id is not None:
            self._named[message_id] = published
        return published

    def publish_all(self, topic: str, messages: Sequence[Publication]) -> list[str]:
        published = self._bus.publish_all(topic, messages)
        self._pushes.on_published(topic, published)
        return published

    def pull(self, subscription: str, limit: int = 100) -> list[PulledMessage]:
        return self._bus.pull(subscription, limit)

    def ack(self, subscription: str, ack_ids: Sequence[str]) -> list[str]:
        return self._bus.ack(subscription, ack_ids)

    # --- what a played day asks -------------------------------------------------------------------

    def counters(self) -> dict[str, int]:
        """See Pushes.counters."""
        return self._pushes.counters

    def pending(self) -> int:
        return self._pushes.pending

    def last_number(self) -> int:
        """How many dead letters there were: a mark for dead_letters_since."""
        return self._pushes.counters["dead_lettered"]

    def is_asked_for(self, message_id: str) -> bool:
        """False: commands do not publish beside an emulated day."""
        return False

    def dead_letters_since(self, number: int) -> list[PulledMessage]:
        """The dead letters, all of them, where there are more than at that mark."""
        if self.last_number() == number:
            return []
        return [letter for name in self._dead_letters for letter in self._bus.pull(name)]
