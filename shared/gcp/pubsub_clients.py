"""Clients of Pub/Sub, or of its emulator where PUBSUB_EMULATOR_HOST names one."""

from __future__ import annotations

import os

import grpc
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

# A message may have ten megabytes, gRPC's own limit for what is received is four. The library lifts it on its own
# channels, and so does this one.
_UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def publisher() -> PublisherClient:
    """A client that publishes."""
    channel = _emulator()
    return PublisherClient() if channel is None else PublisherClient(transport=PublisherGrpcTransport(channel=channel))


def subscriber() -> SubscriberClient:
    """A client that pulls and acknowledges."""
    channel = _emulator()
    return (
        SubscriberClient() if channel is None else SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
    )


def _emulator() -> grpc.Channel | None:
    host = os.environ.get("PUBSUB_EMULATOR_HOST")
    return grpc.insecure_channel(host, options=_UNLIMITED) if host else None
