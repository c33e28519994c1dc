"""The runtime a function works with: ports, clock and settings, chosen by the one setting
RUNTIME.
"""

from __future__ import annotations

import importlib
import os
import threading
import uuid
from dataclasses import dataclass
from typing import Any, Protocol

from shared.core.clock import Clock, SystemClock
from shared.core.errors import ConfigError
from shared.core.settings import Settings
from shared.stores.ports import Blobs, Bus, State, Warehouse


class Stores(Protocol):
    """Opened ports of one place: Google Cloud, a state folder, emulators."""

    @property
    def warehouse(self) -> Warehouse: ...

    @property
    def state(self) -> State: ...

    @property
    def bus(self) -> Bus: ...

    @property
    def raw(self) -> Blobs: ...

    @property
    def exports(self) -> Blobs: ...

    @property
    def models(self) -> Blobs: ...


@dataclass(frozen=True)
class Runtime:
    """Everything a function may touch.

    `epoch` counts repeated runs of simulated time; deployed, restored states.
    """

    settings: Settings
    clock: Clock
    warehouse: Warehouse
    state: State
    bus: Bus
    raw: Blobs
    exports: Blobs
    models: Blobs
    epoch: int = 1
    instance: str = "instance"  # who holds a lease: one id per process
    machine: Clock | None = None
    """The clock that work is measured by, where `clock` is a simulated one that stands still
    meanwhile.
    """
    source_transport: Any = None
    """httpx transport of the sources; None: the network."""

    @classmethod
    def of(
        cls,
        stores: Stores,
        *,
        settings: Settings,
        clock: Clock,
        epoch: int,
        instance: str,
        machine: Clock | None = None,
    ) -> Runtime:
        """Build the runtime on opened stores."""
        return cls(
            settings=settings,
            clock=clock,
            warehouse=stores.warehouse,
            state=stores.state,
            bus=stores.bus,
            raw=stores.raw,
            exports=stores.exports,
            models=stores.models,
            epoch=epoch,
            instance=instance,
            machine=machine,
        )


GCP = "gcp"
_lock = threading.Lock()
_current: Runtime | None = None


def use_runtime(runtime: Runtime | None) -> None:
    """Install the runtime of this process (the embedded runner and tests do so; None forgets
    it).
    """
    global _current
    with _lock:
        _current = runtime


def get_runtime() -> Runtime:
    """The runtime of this process, built at first use: RUNTIME=gcp, or a factory as
    RUNTIME="package.module:factory".

    Raises ConfigError where RUNTIME is unset or names nothing that can be imported, or a setting is
    missing.
    """
    global _current
    with _lock:
        if _current is None:
            target = os.environ.get("RUNTIME", "")
            if target == GCP:
                _current = open_deployed_runtime(Settings.from_environment())
                return _current
            module_name, _, factory_name = target.partition(":")
            if not module_name or not factory_name:
                raise ConfigError(
                    f"RUNTIME is {target!r}; it is {GCP}, or names the runtime's factory as package.module:factory.",
                    next_step="set RUNTIME in the function's environment, or start functions with `make serve`.",
                )
            try:
                factory = getattr(importlib.import_module(module_name), factory_name)
            except (ImportError, AttributeError) as error:
                raise ConfigError(
                    f"RUNTIME={target!r} cannot be loaded: {error}.", next_step="correct RUNTIME."
                ) from error
            _current = factory()
        return _current


def open_deployed_runtime(settings: Settings) -> Runtime:
    """A runtime on Google Cloud; nothing is called yet.

    Raises ConfigError where a setting is missing.
    """
    from shared.stores.gcp.stores import open_stores

    instance = f"{os.environ.get('K_REVISION', GCP)}-{uuid.uuid4().hex[:12]}"
    stores = open_stores(settings)
    return Runtime.of(stores, settings=settings, clock=SystemClock(), epoch=settings.state_epoch, instance=instance)
