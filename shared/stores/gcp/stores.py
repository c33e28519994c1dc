"""The deployed ports, from settings: clients are made once each, at first use.

On emulators where the environment says so, by the variables that Google's own clients read
(FIRESTORE_, PUBSUB_, BIGQUERY_ and STORAGE_EMULATOR_HOST).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from shared.core.errors import ConfigError
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.stores.gcp.lazy import Lazy
from shared.stores.ports import Blobs, Bus, State, Warehouse

if TYPE_CHECKING:
    from shared.stores.gcp.bigquery_warehouse import BigQueryWarehouse
    from shared.stores.gcp.firestore_state import FirestoreState
    from shared.stores.gcp.pubsub_bus import PubSubBus


@dataclass(frozen=True)
class Stores:
    """The ports of one environment of one project."""

    warehouse: Warehouse
    state: State
    bus: Bus
    raw: Blobs
    exports: Blobs
    models: Blobs


def open_stores(settings: Settings) -> Stores:
    """The ports, without a call to any service.

    Raises ConfigError where a setting is missing, naming all that are.
    """
    needed = ("project_id", "raw_bucket", "exports_bucket", "models_bucket")
    missing = [name.upper() for name in needed if not getattr(settings, name)]
    if missing:
        raise ConfigError(
            f"RUNTIME=gcp needs {', '.join(missing)}.",
            next_step="set them in the function's environment (Terraform does).",
        )

    @cache
    def storage_client() -> Any:
        from google.cloud.storage import Client

        from shared.stores.gcp.errors import errors

        with errors("No client of Cloud Storage"):
            return Client(project=settings.project_id)

    def bucket(name: str) -> Blobs:
        def make() -> Blobs:
            from shared.stores.gcp.storage_blobs import StorageBlobs

            return StorageBlobs(storage_client(), name)

        return cast(Blobs, Lazy(make))

    return Stores(
        warehouse=cast(Warehouse, Lazy(lambda: warehouse(settings))),
        state=cast(State, Lazy(lambda: state(settings))),
        bus=cast(Bus, Lazy(lambda: bus(settings))),
        raw=bucket(settings.raw_bucket),
        exports=bucket(settings.exports_bucket),
        models=bucket(settings.models_bucket),
    )


def warehouse(settings: Settings) -> BigQueryWarehouse:
    """The warehouse port with a client of its own."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    from shared.stores.gcp.bigquery_warehouse import BigQueryWarehouse
    from shared.stores.gcp.errors import errors
    from shared.stores.gcp.limits import Limits

    emulated = bool(os.environ.get("BIGQUERY_EMULATOR_HOST"))  # the client takes the address, and still asks for a key
    with errors("No client of BigQuery"):
        client = bigquery.Client(
            project=settings.project_id,
            location=settings.bigquery_location,
            credentials=AnonymousCredentials() if emulated else None,  # type: ignore[no-untyped-call]
        )
    return BigQueryWarehouse(
        client,
        dataset_prefix=settings.dataset_prefix,
        max_bytes_billed=settings.max_bytes_billed,
        epoch=settings.state_epoch,
        limits=Limits(settings.function_timeout_seconds),
    )


def state(settings: Settings) -> FirestoreState:
    """The state port with a client of its own."""
    from google.cloud import firestore

    from shared.stores.gcp.errors import errors
    from shared.stores.gcp.firestore_state import FirestoreState
    from shared.stores.gcp.limits import Limits

    with errors("No client of Firestore"):
        client = firestore.Client(project=settings.project_id, database=settings.firestore_database)
    return FirestoreState(client, Limits(settings.function_timeout_seconds))


def bus(settings: Settings) -> PubSubBus:
    """The bus port; only a function that pulls (dead letters) makes a subscriber."""
    from shared.stores.gcp.pubsub_bus import PubSubBus
    from shared.stores.gcp.pubsub_clients import publisher, subscriber

    return PubSubBus(
        cache(publisher), cache(subscriber), settings.project_id, load_pipeline(), prefix=settings.name_prefix
    )
