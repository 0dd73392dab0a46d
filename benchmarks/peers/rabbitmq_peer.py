"""RabbitMQ with a quorum queue and publisher confirms, through pika."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pika
from pika.adapters.asyncio_connection import AsyncioConnection

from benchmarks.contestant import free_port
from benchmarks.peers.bell import Bell, ring
from benchmarks.peers.peer import BODY, PORT, Client, Concurrent, Peer, module

UNDER_WAY = 1000
PREFETCH, ACK_EVERY, ACK_SECONDS = 300, 50, 0.002
QUEUE: dict[str, Any] = {"queue": "jobs", "durable": True, "arguments": {"x-queue-type": "quorum"}}
PERSISTENT = pika.BasicProperties(delivery_mode=2)


class RabbitClient(Concurrent):
    """Publishes while at most UNDER_WAY messages are not confirmed."""

    def __init__(self, port: int, bell: Bell) -> None:
        super().__init__()
        self._bell = bell
        self._published = self._confirmed = 0
        self._moved = asyncio.Event()
        self._channel = self.loop.run_until_complete(self._open(port))

    async def submit_one(self) -> None:
        await self._publish(1)

    async def _lines(self, count: int) -> list[None]:
        await self._publish(count)
        return [None] * count

    async def ends(self, submitted: Sequence[None]) -> None:
        self._bell.hear(len(submitted))

    async def _publish(self, count: int) -> None:
        target = self._published + count
        while self._confirmed < target:
            room = min(target - self._published, UNDER_WAY - (self._published - self._confirmed))
            for _ in range(room):
                self._channel.basic_publish("", "jobs", BODY, PERSISTENT)
            self._published += room
            self._moved.clear()
            await self._moved.wait()

    def _on_confirm(self, frame: Any) -> None:
        assert isinstance(frame.method, pika.spec.Basic.Ack), "the broker takes it"
        self._confirmed = frame.method.delivery_tag if frame.method.multiple else self._confirmed + 1
        self._moved.set()

    async def _open(self, port: int) -> Any:
        opened, declared = self.loop.create_future(), self.loop.create_future()
        parameters = pika.ConnectionParameters("127.0.0.1", port)
        self._connection = AsyncioConnection(parameters, on_open_callback=opened.set_result, custom_ioloop=self.loop)
        (await opened).channel(on_open_callback=declared.set_result)
        channel = await declared
        queue, confirms = self.loop.create_future(), self.loop.create_future()
        channel.queue_declare(**QUEUE, callback=queue.set_result)
        await queue
        channel.confirm_delivery(self._on_confirm, callback=confirms.set_result)
        await confirms
        return channel


class RabbitMQ(Peer):
    name, setting, needs = "RabbitMQ", "quorum queue, publisher confirms", "rabbitmq-server"
    lost = "nothing"
    is_durable = True
    client_is = f"pika; {UNDER_WAY:,} not confirmed"
    worker_is = f"pika; prefetch {PREFETCH}, ack every {ACK_EVERY}"
    known = "the worker rings in the job"
    packages = ("pika",)

    def extra(self) -> Mapping[str, str]:
        at = str(self.folder)
        return {
            **super().extra(),
            "HOME": at,  # where the cookie is
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(free_port()),
            "RABBITMQ_NODENAME": "peer@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": at,
            "RABBITMQ_LOG_BASE": at,
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONF_ENV_FILE": f"{at}/none",
            "RABBITMQ_CONFIG_FILE": f"{at}/none",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{at}/none",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{at}/none",
        }

    def start_server(self) -> None:
        self._servers.append(self.run(["epmd"]))  # or the server leaves one behind
        super().start_server()

    def server_command(self) -> list[str]:
        """Debian's own would become another user."""
        return [str(max(Path("/usr/lib/rabbitmq/lib").glob("*/sbin/rabbitmq-server")))]

    def worker_command(self) -> list[str]:
        return module("rabbitmq_peer")

    def client(self) -> Client:
        return RabbitClient(self.port, Bell(self.folder))


def work() -> None:
    """The worker: it acknowledges many at once, and never late."""
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", PORT))
    channel = connection.channel()
    channel.queue_declare(**QUEUE)
    channel.basic_qos(prefetch_count=PREFETCH)
    last = acked = 0

    def ack() -> None:
        nonlocal acked
        if last > acked:
            channel.basic_ack(last, multiple=True)
            acked = last

    def done(_channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        nonlocal last
        ring()
        if last == acked:
            connection.call_later(ACK_SECONDS, ack)
        last = method.delivery_tag
        if last - acked >= ACK_EVERY:
            ack()

    channel.basic_consume("jobs", done)
    channel.start_consuming()


if __name__ == "__main__":
    work()
