"""Ports that count what is asked of them: which method of which object, and how many bytes came."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from shared.stores.ports import Blob
from shared.stores.runtime import Runtime

BUCKETS = ("raw", "exports", "models")


@dataclass
class CountedPort:
    """A port whose calls are noted, by method and first argument; they are carried out as ever."""

    port: Any
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    bytes_read: Counter[str] = field(default_factory=Counter)
    """By object of a bucket."""

    def __getattr__(self, method: str) -> Any:
        function = getattr(self.port, method)

        def call(*args: Any, **kwargs: Any) -> Any:
            place = args[0] if args and isinstance(args[0], str) else ""
            self.calls[method, place] += 1
            found = function(*args, **kwargs)
            data = found.data if isinstance(found, Blob) else found
            if isinstance(data, bytes):
                self.bytes_read[place] += len(data)
            return found

        return call

    def reset(self) -> None:
        self.calls.clear()
        self.bytes_read.clear()


@dataclass(frozen=True)
class CountedStores:
    """A runtime's state and buckets, counted."""

    runtime: Runtime
    state: CountedPort
    buckets: dict[str, CountedPort]

    @classmethod
    def of(cls, runtime: Runtime) -> CountedStores:
        """Raises nothing and changes nothing: the runtime given stays as it is."""
        state = CountedPort(runtime.state)
        buckets = {name: CountedPort(getattr(runtime, name)) for name in BUCKETS}
        counted: dict[str, Any] = {"state": state, **buckets}
        return cls(replace(runtime, **counted), state, buckets)

    def reset(self) -> None:
        for port in (self.state, *self.buckets.values()):
            port.reset()

    @property
    def state_reads(self) -> int:
        return sum(self.state.calls.values())

    @property
    def blob_reads(self) -> int:
        return sum(sum(port.calls.values()) for port in self.buckets.values())

    @property
    def blob_bytes(self) -> int:
        return sum(sum(port.bytes_read.values()) for port in self.buckets.values())
