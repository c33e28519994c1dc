"""The pushes of a Pub/Sub that delivers by itself: noted on their way to the functions, so that one
sees them end.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from time import perf_counter
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from local.embedded.bus_tables import COUNTERS, Delivery
from local.host.dispatcher import CONCURRENCY_CAP, Completed, Listener
from shared.core.clock import Clock
from shared.core.errors import Retriable
from shared.core.pipeline import Pipeline

# Longer than the longest back-off before a second attempt and a function's timeout together.
SILENCE_SECONDS = 700.0


class Silence(Retriable):
    """Messages are published and not acknowledged, and nothing has been pushed for long."""


class Pushes:
    """What push subscriptions still have to deliver, and what they delivered; safe from any thread.

    A message counts as delivered once a push of it was answered with 2xx, or refused at its last
    attempt (Pub/Sub then forwards it to the dead letters). Published from outside (gcloud), it is
    delivered all the same and not waited for.

    A push tells the simulated moment as its publish time, where the emulator tells the real one:
    words such as TODAY are of that moment. Simulated time stands still while anything is under way,
    so it is the moment of publishing too.

    Args:
        silence: seconds without any push after which waiting ends.
    """

    def __init__(self, pipeline: Pipeline, clock: Clock, *, silence: float = SILENCE_SECONDS) -> None:
        self._pipeline = pipeline
        self._clock = clock
        self._moments: dict[str, str] = {}
        self._silence = silence
        self._news = threading.Condition()
        self._waiting: set[tuple[str, str]] = set()
        self._ended: set[tuple[str, str]] = set()
        self._listeners: list[Listener] = []
        self._counts: Counter[str] = Counter()
        self._failure: BaseException | None = None
        self._room = {
            name: threading.Semaphore(min(spec.max_instances * spec.concurrency, CONCURRENCY_CAP))
            for name, spec in pipeline.functions.items()
        }
        self._dead_letter_topics = {each.dead_letter_topic for each in pipeline.subscriptions.values()}

    def on_published(self, topic: str, message_ids: Sequence[str]) -> None:
        """Messages are on their way; a push of one may have ended already."""
        names = [each.name for each in self._pipeline.subscriptions.values() if each.topic == topic]
        with self._news:
            self._counts["dead_lettered" if topic in self._dead_letter_topics else "published"] += len(message_ids)
            self._waiting |= {(message_id, name) for message_id in message_ids for name in names} - self._ended

    @property
    def counters(self) -> dict[str, int]:
        """Since the start: published (dead letters apart), delivered (every push), redelivered,
        dead_lettered.
        """
        with self._news:
            return {name: self._counts[name] for name in COUNTERS}

    @property
    def pending(self) -> int:
        with self._news:
            return len(self._waiting)

    def run_until_idle(self, on_completed: Listener | None = None) -> None:
        """Wait until everything published has been delivered; on_completed is called in the pushing
        threads.

        Raises Silence, and whatever a listener raised.
        """
        if on_completed is not None:
            self._listeners.append(on_completed)
        try:
            with self._news:
                while self._waiting and self._failure is None:
                    if not self._news.wait(self._silence):
                        message_id, name = min(self._waiting)
                        raise Silence(
                            f"{len(self._waiting)} deliveries are outstanding and nothing was pushed for "
                            f"{self._silence:.0f} s; one is message {message_id} to {name}.",
                            next_step="look at the emulator's log in the state folder.",
                        )
                if self._failure is not None:
                    raise self._failure
        finally:
            if on_completed is not None:
                self._listeners.remove(on_completed)

    def relay(self, function: str, app: WSGIApplication) -> WSGIApplication:
        """The function's app, each push of which is noted, as many at a time as its instances would
        take.
        """

        def relay(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            body = self._in_simulated_time(body)
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
            heads: list[tuple[Any, ...]] = []

            def heard(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
                heads[:] = [(status, headers)]
                return lambda data: None

            with self._room[function]:
                started = perf_counter()
                answer = b"".join(app(environ, heard))
                seconds = perf_counter() - started
            status, headers = heads[0]
            self._note(function, body, int(status.split()[0]), answer, seconds)
            start_response(status, headers)
            return [answer]

        return relay

    # --- in the pushing threads -------------------------------------------------------------------

    def _in_simulated_time(self, body: bytes) -> bytes:
        try:
            envelope = json.loads(body)
            message = envelope["message"]
            message_id = str(message["messageId"])
        except (ValueError, KeyError, TypeError):
            return body  # not from Pub/Sub: the function says so
        with self._news:
            message["publishTime"] = self._moments.setdefault(message_id, self._clock.now().isoformat())
        return json.dumps(envelope).encode()

    def _note(self, function: str, body: bytes, status: int, answer: bytes, seconds: float) -> None:
        delivery = self._delivery(body)
        if delivery is None:
            return  # no push of a subscription of ours: somebody posted it by hand
        completed = Completed(function, delivery, status, answer, "", seconds)
        buried = not completed.acknowledged and delivery.attempt >= delivery.subscription.max_delivery_attempts
        try:
            for listener in tuple(self._listeners):
                listener(completed)
        except BaseException as failure:
            self._failure = failure  # the waiting thread raises it
            raise
        finally:
            with self._news:
                self._counts["delivered"] += 1
                self._counts["redelivered"] += delivery.attempt > 1
                self._counts["dead_lettered"] += buried
                if completed.acknowledged or buried:
                    self._ended.add((delivery.message_id, delivery.subscription.name))
                    self._waiting.discard((delivery.message_id, delivery.subscription.name))
                self._news.notify_all()

    def _delivery(self, body: bytes) -> Delivery | None:
        try:
            envelope = json.loads(body)
            message = envelope["message"]
            subscription = self._pipeline.subscriptions[str(envelope["subscription"]).rsplit("/", 1)[-1]]
        except (ValueError, KeyError, TypeError):
            return None
        return Delivery(
            delivery_id=0,
            subscription=subscription,
            message_id=str(message.get("messageId") or message.get("message_id")),
            topic=subscription.topic,
            data=base64.b64decode(message.get("data") or ""),
            attributes=dict(message.get("attributes") or {}),
            publish_time=str(message.get("publishTime") or ""),
            attempt=int(envelope.get("deliveryAttempt") or 1),
            copy=1,
        )
