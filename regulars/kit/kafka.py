"""A connection to Kafka, by a client of its own. It goes on dialling by itself, to wherever the brokers say that others
are: each of these is checked, too, at the moment at which it is dialled."""

import asyncio
import logging
import re
import ssl
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

import aiokafka.client
from aiokafka import AIOKafkaProducer
from aiokafka import errors as of_kafka
from aiokafka.conn import AIOKafkaConnection, ScramAuthenticator

from regulars import limits
from regulars.kit.streams import Dialer, Garbled, Line, NotReached, Publication, Refused, Servers

# What goes wrong comes back as a value.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


class _Dialling:
    """A loop by which a connection dials what was checked, to the server's name, and hears no more than it may."""

    def __init__(self, loop: asyncio.AbstractEventLoop, addresses: list[str]) -> None:
        self._loop, self._addresses, self.unheard = loop, addresses, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def create_connection(
        self, make: Callable[[], Any], host: str, port: int, *, ssl: ssl.SSLContext | None
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        protocol = make()
        heard = protocol.data_received

        def hear(data: bytes) -> None:
            self.unheard += len(data)
            if self.unheard > limits.STREAM_ANSWER_BYTES_MAX:
                protocol.transport_is.abort()
            else:
                heard(data)

        protocol.data_received = hear
        for n, address in enumerate(self._addresses, start=1):
            try:
                async with asyncio.timeout(limits.CONNECT_TIMEOUT_S):
                    made: Any = await self._loop.create_connection(
                        lambda: protocol, address, port, ssl=ssl, server_hostname=host if ssl else None
                    )
                protocol.transport_is = made[0]
                return made[0], made[1]
            except (OSError, TimeoutError):
                if n == len(self._addresses):
                    raise
        raise NotReached("dns", f"{host} has no address.")


class _Scram(ScramAuthenticator):  # type: ignore[misc]
    """Hashes a password as often as the broker says, in a thread that nothing can end, so not as often as it likes."""

    def create_salted_password(self, salt: bytes, iterations: int) -> None:
        if iterations > limits.SCRAM_ROUNDS_MAX:
            asked = f"the broker asks to hash the password {iterations:,} times"
            raise of_kafka.SaslAuthenticationFailed(f"{asked}, and {limits.SCRAM_ROUNDS_MAX:,} are the most")
        super().create_salted_password(salt, iterations)


class _Connection(AIOKafkaConnection):  # type: ignore[misc]
    _loop: Any

    async def connect(self) -> Any:
        line = _LINE.get()
        try:
            self._loop = dialling = _Dialling(self._loop, await line.dialer.addresses(self._host, self._port))
            line.dialled.add(dialling)
            return await super().connect()
        except ssl.SSLError as error:
            line.why = NotReached("tls", f"no secure connection to {self._host}: {error.reason or error}.")
            raise
        except NotReached as why:
            line.why = why
            if why.kind == "refused_address":
                line.lose(why)
            raise
        except OSError as error:
            line.why = NotReached(
                "connect", f"no connection to {self._host}: {error.strerror or str(error) or 'it was closed'}."
            )
            raise
        except of_kafka.KafkaError as error:
            if type(error).__name__ in _NO_LOGIN:
                line.why = Refused(401, _words(error))
                line.lose(line.why)
            raise

    def authenticator_scram(self) -> _Scram:
        return _Scram(
            loop=self._loop,
            sasl_plain_password=self._sasl_plain_password,
            sasl_plain_username=self._sasl_plain_username,
            sasl_mechanism=self._sasl_mechanism,
        )


_NO_LOGIN = {
    "SaslAuthenticationFailed",
    "UnsupportedSaslMechanismError",
    "IllegalSaslStateError",
    "ClusterAuthorizationFailedError",
}
_NO_LEAVE = of_kafka.TopicAuthorizationFailedError, of_kafka.ClusterAuthorizationFailedError
_TOO_LARGE = of_kafka.MessageSizeTooLargeError, of_kafka.InvalidMessageError
_LINE: ContextVar["KafkaLine"] = ContextVar("kafka_line")
"""For whom is being dialled: tasks of the client begin with what was true of whoever began it."""


async def _dial(host: str, port: int, **more: Any) -> _Connection:
    connection = _Connection(host, port, **more)
    await connection.connect()
    return connection


# The client calls this function for each connection that it makes; nowhere else could an address be seen.
aiokafka.client.create_conn = _dial


def _words(error: BaseException) -> str:
    """Without the number and the class that stand before them; where there are none, the class."""
    words = re.sub(r"^(\[Error -?\d+\] )?\w+(: |$)", "", str(error)).strip()
    return words if words and not words.startswith("<") else type(error).__name__.removesuffix("Error")


class KafkaLine(Line):
    """`why` is what was in the way when it dialled last."""

    def __init__(self, servers: Servers, dialer: Dialer, deadline_s: float) -> None:
        super().__init__()
        self.dialer = dialer
        self.why: NotReached | Refused | None = None
        self.dialled = WeakSet[_Dialling]()
        how = "SASL_" if servers.mechanism else ""
        self._client = AIOKafkaProducer(
            bootstrap_servers=[f"{host}:{port}" for host, port in servers.each],
            client_id="regulars",
            acks="all",
            # Before our own deadline, so that what went wrong is said in its words.
            request_timeout_ms=int(deadline_s * 800),
            max_request_size=limits.STREAM_ANSWER_BYTES_MAX,
            max_batch_size=limits.STREAM_ANSWER_BYTES_MAX // 8,
            linger_ms=2,
            security_protocol=how + ("SSL" if servers.secure else "PLAINTEXT"),
            ssl_context=dialer.tls if servers.secure else None,
            sasl_mechanism=servers.mechanism or "PLAIN",
            sasl_plain_username=servers.user,
            sasl_plain_password=servers.password,
        )

    async def begin(self) -> None:
        _LINE.set(self)
        try:
            await self._client.start()
        except of_kafka.KafkaError as error:
            raise self.why or NotReached("connect", f"{_words(error)}.") from None
        except (ValueError, TypeError, AttributeError, LookupError, AssertionError) as error:
            raise Garbled from error

    async def _publish(self, message: Publication) -> str:
        """What a broker says for a while (it has no leader just now), the client tries again within the deadline."""
        self.why = None
        headers = [(name, value.encode()) for name, value in message.headers.items()]
        try:
            if message.trial:
                partitions = await self._client.partitions_for(message.subject)
                return f"{len(partitions)} partitions"
            sending = await self._client.send(message.subject, message.body, key=message.key or None, headers=headers)
            taken = await sending
        except _NO_LEAVE as error:
            raise Refused(403, _words(error)) from None
        except _TOO_LARGE as error:
            raise Refused(413, _words(error)) from None
        except of_kafka.UnknownTopicOrPartitionError:
            raise Refused(503, f"there is no topic {message.subject}") from None
        except of_kafka.InvalidTopicError as error:
            raise Refused(400, _words(error)) from None
        except (of_kafka.KafkaTimeoutError, of_kafka.RequestTimedOutError):
            raise self.why or TimeoutError from None
        except of_kafka.ProducerClosed:
            raise ConnectionResetError("it was closed") from None
        except of_kafka.KafkaError as error:
            raise self.why or Refused(503, _words(error)) from None
        except (ValueError, TypeError, AttributeError, LookupError, AssertionError) as error:
            raise Garbled from error
        for dialling in self.dialled:
            dialling.unheard = 0
        return f"partition {taken.partition}, offset {taken.offset}"

    async def close(self) -> None:
        try:
            async with asyncio.timeout(limits.CONNECT_TIMEOUT_S):
                await self._client.stop()
        except (of_kafka.KafkaError, OSError):
            return


async def open_line(servers: Servers, dialer: Dialer, deadline_s: float) -> KafkaLine:
    """Raises Refused, Garbled, TimeoutError and OSError."""
    line = KafkaLine(servers, dialer, deadline_s)
    try:
        await line.begin()
    except BaseException:
        await line.close()
        raise
    return line
