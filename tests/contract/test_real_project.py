"""What `make contract` makes in a project and takes away again, tried on the emulators: they speak
the same REST.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import cache
from types import MappingProxyType

import httpx
import pytest

from shared.core.errors import NotFound
from shared.core.settings import Settings
from shared.stores.gcp import stores
from shared.stores.gcp.pubsub_bus import PubSubBus
from shared.stores.gcp.pubsub_clients import publisher, subscriber
from shared.stores.ports import Bus, State
from tests.contract.real_project import RealProject
from tests.support.embedded import small_pipeline

DEAD = "first-a-dead-letter"


class Owner(httpx.Auth):
    """Signs as the emulators' owner: Firestore's lists collections for nobody else."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = "Bearer owner"
        yield request


def on(project: str, **endpoints: str) -> RealProject:
    return RealProject(project, "ct-", Owner(), MappingProxyType(endpoints))


def test_topics_are_made_and_taken_away(pubsub_emulator: str, own_name: str) -> None:
    real = on(own_name, pubsub=f"http://{pubsub_emulator}")

    def bus(prefix: str) -> Bus:
        return PubSubBus(cache(publisher), cache(subscriber), own_name, small_pipeline(), prefix=prefix)

    with real.topics(small_pipeline()) as prefix:
        assert prefix.startswith("ct-")
        bus(prefix).publish(DEAD, b"data")
        assert [message.data for message in bus(prefix).pull(DEAD)] == [b"data"]
    for kind in ("topics", "subscriptions"):
        left = httpx.get(f"http://{pubsub_emulator}/v1/projects/{own_name}/{kind}").raise_for_status().json()
        assert left == {}
    with pytest.raises(NotFound):
        bus(prefix).publish(DEAD, b"data")


def test_a_database_is_emptied_to_its_last_document(firestore_emulator: str, own_name: str) -> None:
    real = on(own_name, firestore=f"http://{firestore_emulator}")
    state: State = stores.state(Settings(project_id=own_name))
    for number in range(401):
        state.create(f"players/{number}", {"n": number})
    state.create("batches/b/units/u", {"n": 1})  # below a document that is not there
    state.create("a b/1", {"n": 1})
    real.clear("(default)")
    assert [state.count(collection) for collection in ("players", "batches/b/units", "a b")] == [0, 0, 0]
    real.clear("(default)")


def test_a_bucket_goes_with_what_is_in_it(storage_emulator: str, own_name: str) -> None:
    real = on(own_name, storage=storage_emulator)
    with real.bucket() as name:
        assert name.startswith(f"{own_name}-ct-")
        settings = Settings(project_id=own_name, raw_bucket=name, exports_bucket=name, models_bucket=name)
        blobs = stores.open_stores(settings).raw
        for path in ("v1/today.json", "a/b c#1.json"):
            blobs.write(path, b"{}", content_type="application/json")
        assert len(blobs.list("")) == 2
    assert httpx.get(f"{storage_emulator}/storage/v1/b/{name}").status_code == httpx.codes.NOT_FOUND


def test_datasets_go_with_their_tables(bigquery_emulator: str, own_name: str) -> None:
    real = on(own_name, bigquery=bigquery_emulator)
    datasets = f"{bigquery_emulator}/bigquery/v2/projects/{own_name}/datasets"
    with real.datasets() as prefix:
        assert prefix.startswith("ct_")
        warehouse = stores.warehouse(Settings(project_id=own_name, dataset_prefix=prefix))
        assert warehouse.query("SELECT COUNT(*) AS n FROM nba_reference.players").to_pylist() == [{"n": 0}]
    assert httpx.get(f"{datasets}/{prefix}nba_raw").status_code == httpx.codes.NOT_FOUND
