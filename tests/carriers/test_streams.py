"""NATS and Kafka themselves, where they are: `nats-server` on the path, and KAFKA_HOME with Kafka's libs and Java."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from regulars.delivery import Carrier, Delivered, Paused, attempt
from regulars.kit.mail import Outside
from regulars.kit.ports import free_port
from tests.carriers.making import carrier_for, parcel
from tests.carriers.test_conformance import initialized

MANY = 200


def some(n: int) -> Any:
    return parcel(delivery_id=UUID(int=n), event={"user_customer_id": f"customer-{n % 7}", "amount": n})


@contextmanager
def running(command: list[str], **more: Any) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def said(carrier: Carrier, http: Outside) -> str:
    """By Initialize, once the server is there."""
    for _ in range(300):
        sentence = (await initialized(carrier, http)).sentence
        if "could not be reached" not in sentence:
            break
        await asyncio.sleep(0.1)
    return sentence


def format_disk(java: list[str], config: Path) -> None:
    storage = ["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", str(config)]
    subprocess.run([*java, *storage], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("nats-server") is None, reason="nats-server is not on the path")
async def test_jetstream_keeps_each_event_once(tmp_path: Path) -> None:
    import nats

    port = free_port()
    may = 'permissions: {publish: ["regulars.>"], subscribe: ["_INBOX.>"]}'
    users = f"{{user: shop, password: secret, {may}}}, {{user: admin, password: admin}}"
    config = tmp_path / "nats.conf"
    config.write_text(f'port: {port}\njetstream {{store_dir: "{tmp_path}"}}\nauthorization {{users: [{users}]}}')
    at = {"servers": f"127.0.0.1:{port}", "security": "none", "user": "shop", "password": "secret"}
    with running(["nats-server", "-c", str(config)]):
        async with Outside(allow_loopback=True) as http:
            carrier = carrier_for("nats", "", **at)
            assert "no stream of JetStream takes the subject" in await said(carrier, http)
            admin = await nats.connect(f"nats://127.0.0.1:{port}", user="admin", password="admin")
            await admin.jetstream().add_stream(name="SHOP", subjects=["regulars.>"])
            assert (await said(carrier, http)).endswith("Events can be sent.")
            for _ in range(2):
                made = await asyncio.gather(*(attempt(carrier, http, some(n)) for n in range(MANY)))
                assert {one.outcome for one in made} == {Delivered()}
            wrong = await attempt(carrier_for("nats", "", **at | {"password": "wrong"}), http, parcel())
            assert isinstance(wrong.outcome, Paused)
        assert (await admin.jetstream().stream_info("SHOP")).state.messages == MANY
        kept = await admin.jetstream().get_msg("SHOP", 1)
        assert kept.headers is not None
        assert kept.headers["Nats-Msg-Id"] == str(UUID(int=0))
        assert msgspec.json.decode(kept.data or b"")["data"]["amount"] == 0
        await admin.close()


@pytest.mark.skipif("KAFKA_HOME" not in os.environ, reason="KAFKA_HOME does not say where Kafka is")
async def test_kafka_keeps_a_customers_events_in_order(tmp_path: Path) -> None:
    from aiokafka import AIOKafkaConsumer
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    from regulars.kit import kafka

    plain, login, inside = free_port(), free_port(), free_port()
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    told = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{inside}",
        "listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://127.0.0.1:{login},CONTROLLER://127.0.0.1:{inside}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": tmp_path / "data",
        "offsets.topic.replication.factor": 1,
        "auto.create.topics.enable": "false",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": f'{module} required user_shop="secret";',
    }
    (tmp_path / "kafka").write_text("\n".join(f"{name}={value}" for name, value in told.items()))
    java = ["java", "-Xmx400m", "-cp", str(Path(os.environ["KAFKA_HOME"]) / "libs" / "*")]
    format_disk(java, tmp_path / "kafka")
    at = {
        "servers": f"127.0.0.1:{login}",
        "security": "none",
        "user": "shop",
        "password": "secret",
        "mechanism": "PLAIN",
    }
    with running([*java, "kafka.Kafka", str(tmp_path / "kafka")]):
        async with Outside(allow_loopback=True) as http:
            carrier = carrier_for("kafka", "", **at)
            assert "there is no topic regulars" in await said(carrier, http)
            line = next(iter(http._streams._lines.values())).result()
            kafka._LINE.set(line)  # type: ignore[arg-type]
            admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{plain}")
            await admin.start()
            await admin.create_topics([NewTopic("regulars", 3, 1)])
            await admin.close()
            assert (await said(carrier, http)).endswith("Events can be sent.")
            made = await asyncio.gather(*(attempt(carrier, http, some(n)) for n in range(MANY)))
            assert {one.outcome for one in made} == {Delivered()}
            wrong = await attempt(carrier_for("kafka", "", **at | {"password": "wrong"}), http, parcel())
            assert isinstance(wrong.outcome, Paused), wrong
            reader = AIOKafkaConsumer("regulars", bootstrap_servers=f"127.0.0.1:{plain}", auto_offset_reset="earliest")
            await reader.start()
            found = [await reader.getone() for _ in range(MANY)]
            await reader.stop()
    assert {dict(one.headers)["webhook-id"].decode() for one in found} == {str(UUID(int=n)) for n in range(MANY)}
    for customer in range(7):
        theirs = [one for one in found if one.key == f"customer-{customer}".encode()]
        assert len({one.partition for one in theirs}) == 1
        assert [msgspec.json.decode(one.value)["data"]["amount"] for one in theirs] == list(range(customer, MANY, 7))
