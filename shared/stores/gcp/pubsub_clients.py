"""Clients of Pub/Sub, or of its emulator where PUBSUB_EMULATOR_HOST names one."""

from __future__ import annotations

import os

import grpc
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from shared.core.errors import StoreUnavailable

# A message may have ten megabytes, gRPC's own limit for what is received is four. The library lifts
# it on its own channels, and so does this one.
_UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
_CONNECT_SECONDS = 30.0


def publisher() -> PublisherClient:
    """A client that publishes."""
    channel = _emulator()
    return PublisherClient() if channel is None else PublisherClient(transport=PublisherGrpcTransport(channel=channel))


def subscriber() -> SubscriberClient:
    """A client that pulls and acknowledges, connected: a pull waits for few seconds, and none may
    go to connecting.

    Raises StoreUnavailable where there is no connection in half a minute.
    """
    channel = _emulator()
    transport = SubscriberGrpcTransport() if channel is None else SubscriberGrpcTransport(channel=channel)
    try:
        grpc.channel_ready_future(transport.grpc_channel).result(timeout=_CONNECT_SECONDS)
    except grpc.FutureTimeoutError as error:
        raise StoreUnavailable("There is no connection to Pub/Sub.", next_step="try again.") from error
    return SubscriberClient(transport=transport)


def _emulator() -> grpc.Channel | None:
    host = os.environ.get("PUBSUB_EMULATOR_HOST")
    return grpc.insecure_channel(host, options=_UNLIMITED) if host else None
