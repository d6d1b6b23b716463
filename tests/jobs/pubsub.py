"""A Pub/Sub server and the vendor's API for tests: real gRPC and real HTTP on loopback, and only as reliable as told.

What Google's documentation of pull subscriptions promises is what it keeps, the unpleasant parts above all: a message
comes at least once, in any order, and again when its time ran out or when an acknowledgement was lost.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import grpc
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

PROJECT, SUBSCRIPTION, KEY = "harbour-project", "quay-stream-filtered-x1", "k" * 32
PUBLISHED = datetime(2026, 1, 5, 9, tzinfo=UTC)


class FakeSubscription:
    """Hands out messages at random, some of them twice, until they are acknowledged.

    `lost` is the share of acknowledgements that go unheard, `down` that of the calls which fail.
    """

    def __init__(self, seed: int = 1, *, lost: float = 0.0, down: float = 0.0) -> None:
        self._chance = random.Random(seed)
        self._lost, self._down = lost, down
        self._lock = threading.Lock()
        self._messages: dict[str, bytes] = {}
        self._acks: dict[str, str] = {}
        self.handed_out = 0
        self.acknowledged: list[str] = []
        self.refusal: grpc.StatusCode | None = None

    def publish(self, value: Any) -> str:
        with self._lock:
            name = f"m{len(self._messages) + len(self.acknowledged)}"
            self._messages[name] = value if isinstance(value, bytes) else json.dumps(value).encode()
        return name

    @property
    def waiting(self) -> int:
        with self._lock:
            return len(self._messages)

    def pull(self, request: Any, context: Any) -> Any:
        self._may_fail(context)
        with self._lock:
            names = list(self._messages)
            self._chance.shuffle(names)
            names = names[: min(request.max_messages, self._chance.randint(1, 9))]
            if names and self._chance.random() < 0.3:
                names.append(names[0])
            received = []
            for name in names:
                self.handed_out += 1
                ack = f"ack-{self.handed_out}"
                self._acks[ack] = name
                message = types.PubsubMessage(data=self._messages[name], message_id=name, publish_time=PUBLISHED)
                received.append(types.ReceivedMessage(ack_id=ack, message=message))
        if not received:
            context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "nothing came")
        return types.PullResponse(received_messages=received)

    def acknowledge(self, request: Any, context: Any) -> Any:
        self._may_fail(context)
        with self._lock:
            for ack in request.ack_ids:
                name = self._acks[ack]
                if self._chance.random() >= self._lost and self._messages.pop(name, None) is not None:
                    self.acknowledged.append(name)
        return Empty()

    def prolong(self, request: Any, context: Any) -> Any:
        assert all(ack in self._acks for ack in request.ack_ids)
        return Empty()

    def _may_fail(self, context: Any) -> None:
        if self.refusal is not None:
            context.abort(self.refusal, "told to")
        if self._chance.random() < self._down:
            context.abort(grpc.StatusCode.UNAVAILABLE, "told to")


@contextmanager
def served(subscription: FakeSubscription) -> Iterator[str]:
    """HOST:PORT of a gRPC server that gives the subscription to whoever names it."""
    path = f"projects/{PROJECT}/subscriptions/{SUBSCRIPTION}"

    def method(call: Any, request: Any, answer: Any) -> Any:
        def checked(given: Any, context: Any) -> Any:
            assert given.subscription == path
            return call(given, context)

        return grpc.unary_unary_rpc_method_handler(
            checked, request_deserializer=request.deserialize, response_serializer=answer
        )

    methods = {
        "Pull": method(subscription.pull, types.PullRequest, types.PullResponse.serialize),
        "Acknowledge": method(subscription.acknowledge, types.AcknowledgeRequest, Empty.SerializeToString),
        "ModifyAckDeadline": method(subscription.prolong, types.ModifyAckDeadlineRequest, Empty.SerializeToString),
    }
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("google.pubsub.v1.Subscriber", methods)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def service_account() -> dict[str, str]:
    """A service account with a key of its own, as Google writes it."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "reader@harbour-project.example",
        "client_id": "1",
        "token_uri": "https://oauth2.example/token",
    }


class VendorApi:
    """What the vendor's API answers, and what it was asked with."""

    def __init__(self) -> None:
        account = json.dumps(service_account())
        self.status = 200
        self.body: Any = {"data": {"attributes": {"streaming_credentials": account}}}
        self.location = ""
        self.asked: list[dict[str, str]] = []

    @contextmanager
    def served(self) -> Iterator[str]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.asked.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
                body = api.body if isinstance(api.body, bytes) else json.dumps(api.body).encode()
                self.send_response(api.status)
                if api.location:
                    self.send_header("Location", api.location)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
