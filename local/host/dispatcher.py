"""Push delivery: takes what is due from the bus and POSTs it to the functions, as Pub/Sub push
subscriptions do.
"""

from __future__ import annotations

import base64
import http.client
import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from local.embedded import causes
from local.embedded.bus import SqliteBus
from local.embedded.bus_tables import Delivery
from local.host.simulated_clock import SimClock
from shared.core.errors import STORAGE_FAULTS, StorageFault
from shared.core.pipeline import Pipeline
from shared.core.redaction import excerpt, what_failed

logger = logging.getLogger(__name__)

# More threads than this per function only wait for each other on a small machine.
CONCURRENCY_CAP = 4
NO_ANSWER = 0
# How long to wait for another thread that delivers before looking again whether one's own messages
# are done.
TURN_SECONDS = 0.1
CHECK_SECONDS = 2.0
ERROR_LENGTH = 500


@dataclass(frozen=True)
class Completed:
    """One push that ended.

    `status_code` is 0 where there was no answer (error says why); seconds are real ones.
    """

    function: str
    delivery: Delivery
    status_code: int
    body: bytes
    error: str
    seconds: float

    @property
    def acknowledged(self) -> bool:
        return 200 <= self.status_code < 300

    @property
    def answer(self) -> dict[str, Any]:
        """The function's answer where it is a JSON object (a completion: status, record_count,
        reason ...).
        """
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


Listener = Callable[[Completed], None]


class Dispatcher:
    """Delivers from the bus over HTTP, each function with its own concurrency.

    Simulated time stands still while anything is due or in flight. When only retries of the future
    are left, the clock jumps to the next of them: nobody waits for a back-off.

    Args:
        base_url: functions are at {base_url}/functions/{name}.
        token: what the server asks of whoever pushes.
    """

    def __init__(self, bus: SqliteBus, clock: SimClock, pipeline: Pipeline, base_url: str, token: str) -> None:
        self._bus = bus
        self._clock = clock
        self._address = urlsplit(base_url)
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        self._pipeline = pipeline
        self._room = {
            name: min(spec.max_instances * spec.concurrency, CONCURRENCY_CAP)
            for name, spec in pipeline.functions.items()
        }
        self._pool = ThreadPoolExecutor(max_workers=sum(self._room.values()), thread_name_prefix="push")
        self._scheduling = threading.Lock()
        self._news = threading.Condition()
        self._anything_new = True
        self._in_flight: Counter[str] = Counter()
        self._pushed: Counter[str] = Counter()
        self._listeners: list[Listener] = []
        self._failure: BaseException | None = None
        self._stopped = False
        bus.on_change = self._wake

    def run_until_idle(self, on_completed: Listener | None = None) -> None:
        """Deliver until nothing is pending, retries included; on_completed is called in the pushing
        threads.

        Called while another thread delivers, waits its turn and hears of every completion
        meanwhile. Raises what broke the bus or a listener, and a StorageFault that a function
        answers: no other message would fare better. Whatever else a function answers is no
        exception here.
        """
        with self.listening(on_completed), self._scheduling:
            while self._deliver_due() or self._wait_for_in_flight() or self._jump_to_next():
                pass

    def run_until_delivered(self, messages: Collection[str]) -> None:
        """Deliver until these messages (ids; more may be added meanwhile) were delivered, whatever
        else is pending.

        Another thread may deliver at the same time, without an end. Raises as run_until_idle does.
        """
        while self._bus.pending(messages) or self._are_being_pushed(messages):
            if not self._scheduling.acquire(timeout=TURN_SECONDS):
                continue
            try:
                if not (self._deliver_due() or self._wait_for_in_flight() or self._jump_to_next()):
                    return
            finally:
                self._scheduling.release()

    def run_until_stopped(self, check: Callable[[], None] = lambda: None) -> None:
        """Deliver whatever comes until stop() is called or `check` raises, which is called every
        CHECK_SECONDS.
        """
        while not self._stopped:
            check()
            self.run_until_idle()
            with self._news:
                self._news.wait_for(lambda: self._anything_new or self._stopped, CHECK_SECONDS)

    @contextmanager
    def listening(self, listener: Listener | None) -> Iterator[None]:
        """Call listener, in the pushing threads, for every push that ends while the block lasts."""
        if listener is None:
            yield
            return
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def stop(self) -> None:
        """Begin no further delivery; run_until_idle and run_until_stopped return soon.

        The rest stays in the queue.
        """
        self._stopped = True
        self._wake()

    def close(self) -> None:
        """Stop, and wait for the pushes in flight."""
        self.stop()
        self._pool.shutdown(wait=True)
        self._bus.on_change = lambda: None

    def _are_being_pushed(self, messages: Collection[str]) -> bool:
        """Whether listeners are still to hear of one, acknowledged as it may be."""
        with self._news:
            return any(self._pushed[each] for each in tuple(messages))

    # --- one scheduler at a time ------------------------------------------------------------------

    def _deliver_due(self) -> bool:
        """Start what is due; whether anything was."""
        with self._news:
            if self._failure is not None:
                failure = self._failure
                if isinstance(failure, StorageFault):
                    self._failure = None  # whoever mends it may go on with this very runtime
                raise failure
            self._anything_new = False
            if self._stopped:
                return False
            room = {name: most - self._in_flight[name] for name, most in self._room.items()}
        deliveries = self._bus.due(room)
        with self._news:
            self._in_flight.update(each.subscription.function for each in deliveries)
            self._pushed.update(each.message_id for each in deliveries)
        for delivery in deliveries:
            self._pool.submit(self._push, delivery)
        return bool(deliveries)

    def _wait_for_in_flight(self) -> bool:
        """Wait until a push ends or a message comes; False where nothing is in flight and nothing
        came.
        """
        with self._news:
            if not self._in_flight.total():
                return self._anything_new and not self._stopped
            self._news.wait_for(lambda: self._anything_new)
            return True

    def _jump_to_next(self) -> bool:
        """Nothing is due or in flight: move simulated time to the next retry.

        False where there is none.
        """
        if self._stopped:
            return False
        next_due = self._bus.next_due_at()
        if next_due is not None:
            self._clock.advance_to(next_due)
        return next_due is not None

    def _wake(self) -> None:
        with self._news:
            self._anything_new = True
            self._news.notify_all()

    # --- in the pool's threads --------------------------------------------------------------------

    def _push(self, delivery: Delivery) -> None:
        function = self._pipeline.functions[delivery.subscription.function]
        try:
            started = perf_counter()
            status, body, error = self._post(function.name, delivery, function.timeout_seconds)
            completed = Completed(function.name, delivery, status, body, error, perf_counter() - started)
            fault = _storage_fault(completed)
            if completed.acknowledged:
                self._bus.acknowledge(delivery)
            elif fault is not None:
                self._stop_for(fault, delivery)
            else:
                self._bus.refuse(delivery, _describe_failure(completed))
            for listener in tuple(self._listeners):
                listener(completed)
        except BaseException as failure:
            self._failure = failure  # the scheduling thread raises it
            raise
        finally:
            with self._news:
                self._in_flight[function.name] -= 1
                self._pushed[delivery.message_id] -= 1
                if not self._pushed[delivery.message_id]:
                    del self._pushed[delivery.message_id]
            self._wake()

    def _stop_for(self, fault: StorageFault, delivery: Delivery) -> None:
        """Deliver no more until somebody has mended what a store lies on; the queue keeps what is
        left.
        """
        with self._news:
            self._failure = self._failure or fault
        try:
            self._bus.give_back(delivery)
        except StorageFault as unwritten:
            # a full disk takes not even that: the next start finds the delivery in flight, and its
            # attempt counts
            logger.warning("attempt %s of %s counts: %s", delivery.attempt, delivery.message_id, unwritten)

    def _post(self, function: str, delivery: Delivery, timeout: float) -> tuple[int, bytes, str]:
        connection = http.client.HTTPConnection(self._address.netloc, timeout=timeout)
        try:
            headers = {**self._headers, **causes.header(delivery.message_id)}
            connection.request("POST", f"/functions/{function}", envelope(delivery), headers)
            response = connection.getresponse()
            return response.status, response.read(), ""
        except TimeoutError:
            return NO_ANSWER, b"", f"no answer within the {timeout} s of its timeout"
        except (OSError, http.client.HTTPException) as error:
            return NO_ANSWER, b"", what_failed(error)
        finally:
            connection.close()


def envelope(delivery: Delivery) -> bytes:
    """The body of a wrapped push request, as Pub/Sub sends it (its ids in both spellings)."""
    message = {
        "data": base64.b64encode(delivery.data).decode(),
        "attributes": delivery.attributes,
        "messageId": delivery.message_id,
        "message_id": delivery.message_id,
        "publishTime": delivery.publish_time,
        "publish_time": delivery.publish_time,
    }
    subscription = f"projects/local/subscriptions/{delivery.subscription.name}"
    body = {"message": message, "subscription": subscription, "deliveryAttempt": delivery.attempt}
    return json.dumps(body).encode()


def _storage_fault(completed: Completed) -> StorageFault | None:
    """The fault of this machine that a function answered with, if it is one."""
    answer = completed.answer
    kind = STORAGE_FAULTS.get(str(answer.get("error_type")))
    return None if kind is None or completed.acknowledged else kind(str(answer.get("reason")))


def _describe_failure(completed: Completed) -> str:
    message = completed.error or str(completed.answer.get("reason") or completed.body.decode(errors="replace"))
    return excerpt(f"HTTP {completed.status_code}: {message}" if completed.status_code else message, ERROR_LENGTH)
