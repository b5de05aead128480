"""What an operator decides, read from the environment once per process. What a shop decides is a setting of its
workspace; what nobody needs to decide is in `limits.py`.

`docs/generated/settings.md` is written from this class.
"""

import hmac
import os
import secrets
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from regulars.kit.clock import Clock, SharedClock, SystemClock

_CHECKOUT = Path(__file__).resolve().parents[2]


def _data_dir() -> Path:
    if (_CHECKOUT / "pyproject.toml").is_file():
        return _CHECKOUT / "var"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "regulars"


class NoDatabase(Exception):
    """DATABASE_URL is not set, and this works on a PostgreSQL that it names; `regulars up` runs one of its own."""

    def __init__(self) -> None:
        super().__init__(str(self.__doc__))


def _cores() -> int:
    """Those that this process may use."""
    return min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _on_this_machine_alone(host: str | None, public_url: str | None) -> bool:
    return public_url is None and host in ("127.0.0.1", "::1", "localhost")


class Settings(BaseSettings):
    """Raises pydantic.ValidationError when a variable holds something else than its description says."""

    model_config = SettingsConfigDict(env_prefix="REGULARS_", env_ignore_empty=True, frozen=True)

    database_url: str | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="A PostgreSQL of version 15 or newer, as `postgresql://user:password@host:5432/database`."
        " Without it, the embedded server keeps its data under `REGULARS_DATA_DIR`; `regulars serve` and"
        " `regulars work`, which share one, need it.",
    )
    host: str = Field(
        default="127.0.0.1", description="The address the server listens on; `0.0.0.0` for every address."
    )
    port: int = Field(default=8000, ge=1, le=65535, description="The port the server listens on.")
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s]+$",
        description="How others reach this server, as `https://rewards.shop.example`. Addresses that pages and the"
        " command line show start with it, and when it says https, the dashboard's cookies are sent over TLS alone."
        " Without it: host and port, and cookies as the proxy's `X-Forwarded-Proto` says.",
    )
    workers: int = Field(
        default_factory=_cores,
        ge=1,
        le=64,
        description="Processes that answer HTTP. Without it: one per core, and four at most.",
    )
    data_dir: Path = Field(
        default_factory=_data_dir,
        description="Where the embedded PostgreSQL, the logs and the generated secret are kept."
        " Without it: `var/` in a checkout, else `~/.local/share/regulars`.",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="At least 32 characters that encrypt the keys of outside tools and sign links. Without it, one is"
        " made once and kept in `REGULARS_DATA_DIR`. Whoever loses it has to enter the tools' keys again.",
    )
    allow_loopback: bool = Field(
        default=False,
        description="Whether integrations may call addresses of this machine. Only for trying things out:"
        " the sandbox needs it, and `regulars up --demo` sets it.",
    )
    sandbox_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="The port of `regulars sandbox`. Without it: the server's port plus one.",
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(),
        description="Addresses and networks of the proxies in front of the server, as `10.0.0.7,10.1.0.0/16`. What they"
        " say in `X-Forwarded-For` is taken for the caller's address, by which attempts to sign in are counted.",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="What `Authorization: Bearer` must carry to read `/metrics`. Without it, `/metrics` answers only"
        " where the server listens on this machine alone and has no public URL.",
    )
    test_clock: bool = Field(
        default=False,
        description="Whether `POST /api/v1/test-clock` moves the time that all processes of this data folder go by, so"
        " that what happens later can be tried. Never where others reach the server: nothing starts then.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe lines that are logged."
    )

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _listed(cls, given: object) -> object:
        return [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given

    @field_validator("test_clock")
    @classmethod
    def _alone(cls, on: bool, others: ValidationInfo) -> bool:
        if on and not _on_this_machine_alone(others.data.get("host"), others.data.get("public_url")):
            raise PydanticCustomError("reached", "not on a server that others reach: a host or a public URL is set")
        return on

    def clock(self) -> Clock:
        return SharedClock(self.data_dir / "test_clock") if self.test_clock else SystemClock()

    def shared_database_url(self) -> str:
        """For processes that work on one database with others. Raises NoDatabase."""
        if self.database_url is None:
            raise NoDatabase
        return self.database_url

    def address(self) -> str:
        """Where this server is reached, without a closing slash."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return self.public_url or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def on_this_machine_alone(self) -> bool:
        """Whether nobody else reaches this server, as far as the settings tell."""
        return _on_this_machine_alone(self.host, self.public_url)

    def sandbox_port_used(self) -> int:
        return self.sandbox_port or self.port + 1

    def sandbox_address(self, workspace_id: UUID) -> str:
        """Where a shop's look-alikes of outside tools listen: always on this machine alone, and below a name that no
        other shop can guess."""
        name = hmac.digest(self.secret().encode(), b"sandbox " + workspace_id.bytes, "sha256").hex()[:20]
        return f"http://127.0.0.1:{self.sandbox_port_used()}/shop/{name}"

    def secret(self) -> str:
        """The secret key: the one that is set, or the one that this data folder was given when it was first needed."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        path = self.data_dir / "secret_key"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"secret_key.{os.getpid()}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(48))
            try:
                path.hardlink_to(fresh)  # of two processes that start at once, the first one's key is kept whole
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return path.read_text()
