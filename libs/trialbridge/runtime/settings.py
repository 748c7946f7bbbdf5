"""Settings that every service shares. Secrets come from files named here, never from the environment itself."""

import re
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from trialbridge.contracts.errors import Misconfigured

BROKERS = ("trialbridge-embedded", "trialbridge-kafka")
DOCUMENTS = ("sqlite", "mongodb", "mongodb+srv")
OBJECTS = ("file", "s3")
S = TypeVar("S", bound="BaseServiceSettings")


class BaseServiceSettings(BaseSettings):
    """What every service needs to know; each field is also an environment variable with the prefix TRIALBRIDGE_."""

    model_config = SettingsConfigDict(env_prefix="TRIALBRIDGE_", frozen=True, extra="forbid", env_ignore_empty=True)

    broker: str = Field(
        default="trialbridge-embedded://.trialbridge/log.db",
        description="Event log: trialbridge-embedded://PATH (one process) or trialbridge-kafka://HOST:PORT[;HOST:PORT].",
    )
    documents: str = Field(
        default="sqlite://.trialbridge/documents.db",
        description="Document store: sqlite://PATH or mongodb://HOST:PORT/DATABASE.",
    )
    objects: str = Field(
        default="file://.trialbridge/objects",
        description="Object store: file://FOLDER or s3://BUCKET?endpoint=URL.",
    )
    keyring: Path = Field(
        default=Path(".trialbridge/keys.json"),
        description="File key ring that wraps data keys; readable by its owner alone (mode 0600).",
    )
    terminology: Path | None = Field(
        default=None,
        description="Folder of imported tables of terms, made by trialbridge terminology import; packaged tables fill the gaps.",
    )
    group_prefix: str = Field(
        default="trialbridge", description="First part of every consumer group and changelog name."
    )
    topic_prefix: str = Field(
        default="",
        pattern=r"^([a-zA-Z0-9._-]{1,60}[.-])?$",
        description="First part of every topic's name, ending in . or -; lets several installations share one cluster.",
    )
    partitions: int = Field(
        default=4, ge=1, le=256, description="Partitions of every topic; fixed once data has been written."
    )
    replication: int = Field(default=1, ge=1, le=9, description="Replication factor of topics and changelogs (Kafka).")
    manage_topics: bool = Field(
        default=True, description="Create missing topics at start; switch off where an administrator makes them."
    )
    commit_interval: float = Field(
        default=1.0, gt=0, le=60, description="Seconds between commits of consumed positions to the event log."
    )
    heartbeat_interval: float = Field(
        default=1.0, gt=0, le=60, description="Seconds between a stage's reports to the operator page."
    )
    health_port: int = Field(
        default=0, ge=0, le=65535, description="Port of /livez, /readyz, /version and /metrics; 0 switches it off."
    )
    health_host: str = Field(default="127.0.0.1", description="Address that the health port listens on.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level that is logged."
    )
    kafka_username: str = Field(default="", description="SASL/SCRAM user for Kafka; empty for no authentication.")
    kafka_password_file: Path | None = Field(default=None, description="File with the SASL password.")
    kafka_ca_file: Path | None = Field(
        default=None, description="PEM file with the authority that signed Kafka's certificate."
    )
    documents_credentials_file: Path | None = Field(
        default=None,
        description="File with two lines, user and password, for MongoDB; the URL may say authSource, the user's database.",
    )
    object_credentials_file: Path | None = Field(
        default=None, description="File with two lines, access key and secret key, for the object store."
    )

    @field_validator("broker")
    @classmethod
    def _known_broker(cls, value: str) -> str:
        return _known(value, BROKERS)

    @field_validator("documents")
    @classmethod
    def _known_documents(cls, value: str) -> str:
        return _known(value, DOCUMENTS)

    @field_validator("objects")
    @classmethod
    def _known_objects(cls, value: str) -> str:
        return _known(value, OBJECTS)

    @property
    def embedded(self) -> bool:
        """Return whether the event log is the embedded one."""
        return urlsplit(self.broker).scheme == BROKERS[0]


def _known(value: str, schemes: tuple[str, ...]) -> str:
    if urlsplit(value).scheme not in schemes:
        raise ValueError(f"must start with one of {', '.join(scheme + '://' for scheme in schemes)}")
    return value


def read_settings(kind: type[S], **given: Any) -> S:
    """Return the settings of ``kind`` from ``given`` and the environment.

    Raises:
        Misconfigured: ``settings.invalid``, naming each setting, what is wrong with it and what it takes.
    """
    try:
        return kind(**given)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        lines = [
            _line(kind, str(one["loc"][0]) if one["loc"] else "settings", one["msg"].removeprefix("Value error, "))
            for one in problems
        ]
        raise Misconfigured("settings.invalid", " ".join(lines)) from None
    except SettingsError as error:
        # A list or mapping that is no JSON; the library says which one in its sentence alone.
        named = re.search(r'field "(\w+)"', str(error))
        raise Misconfigured(
            "settings.invalid", _line(kind, named[1] if named else "settings", "it takes JSON, and this is none")
        ) from None


def _line(kind: type[BaseServiceSettings], name: str, problem: str) -> str:
    field = kind.model_fields.get(name)
    about = f" It is: {field.description}" if field and field.description else ""
    return f"TRIALBRIDGE_{name.upper()}: {problem}.{about}"


def read_pair(path: Path, name: str, code: str, what: str) -> tuple[str, str]:
    """Return the two lines of a secret file, such as user and password.

    Raises:
        Misconfigured: as `read_secret`; ``code`` where there are not two lines. ``what`` names them.
    """
    lines = [line.strip() for line in read_secret(path, name).splitlines() if line.strip()]
    if len(lines) != 2:  # noqa: PLR2004 - a pair
        raise Misconfigured(code, f"{name} must hold two lines, {what}.")
    return lines[0], lines[1]


def read_secret(path: Path, name: str) -> str:
    """Return the text of a secret file without its line end.

    Raises:
        Misconfigured: ``settings.secret-unreadable`` if the file is absent, empty, or writable by others than its owner.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text().strip()
    except OSError:
        raise Misconfigured(
            "settings.secret-unreadable", f"{name}: the file cannot be read; create it or mend its owner."
        ) from None
    if mode & 0o022:
        raise Misconfigured(
            "settings.secret-unreadable", f"{name}: others may write to the file; run chmod go-w on it."
        )
    if not text:
        raise Misconfigured("settings.secret-unreadable", f"{name}: the file is empty.")
    return text
