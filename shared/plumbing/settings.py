"""What an operator sets for a service: environment (`SETTLEMENT_BUS=kafka`) or /run/secrets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

_SECRETS = Path("/run/secrets")

DEMO = "demo:"
"""Marks the keys that a demo made for itself."""


class Settings(BaseSettings):
    """Settings of one service. Each service reads them under its own prefix."""

    model_config = SettingsConfigDict(
        # Never the bare names: PORT or HOST of the shell are not ours.
        env_prefix="SERVICE_",
        extra="forbid",
        secrets_dir=_SECRETS if _SECRETS.is_dir() else None,
    )

    mode: Literal["demo", "production"] = Field(
        "production", description="demo: of one machine, with keys that it made for itself"
    )
    host: str = Field("127.0.0.1", description="the address that it listens at")
    port: int = Field(8000, description="and the port")

    owner_dsn: SecretStr = Field(description="role that owns the schema: migrations and verify")
    service_dsn: SecretStr = Field(description="role of requests, workers and consumers")
    group_dsn: SecretStr = Field(description="role of the group writer")

    bus: Literal["local", "kafka"] = Field(
        "kafka", description="by what events travel; local: hearers read the tellers' logs"
    )
    kafka: str = Field("127.0.0.1:9092", description="bootstrap servers, for bus=kafka")
    topic_prefix: str = Field("", description="stands before each topic's name")
    feeds: dict[str, SecretStr] = Field(
        default={}, description="producer service -> DSN of its log, for bus=local"
    )
    kafka_tls: bool = Field(False, description="the broker is spoken to by TLS, for bus=kafka")
    peers: dict[str, str] = Field(default={}, description="other services' base addresses")
    peer_secrets: dict[str, SecretStr] = Field(
        default={}, description="peer -> 'client_id:secret' for look-ups"
    )

    tls_certificate: Path | None = Field(
        None,
        description="PEM, with its chain: serves https, and is shown to brokers that ask",
    )
    tls_key: Path | None = Field(None, description="PEM: the certificate's private key")
    tls_authorities: Path | None = Field(
        None,
        description="PEM: who certifies peers at https:// addresses, and the broker; else whom the"
        " machine trusts",
    )
    signing_key: SecretStr = Field(description="Ed25519 private key, PEM, of this service's tokens")
    field_key: SecretStr = Field(
        description="32 hex digits: SM4 key of fields at rest; several as `2:digits,1:digits`,"
        " the current one first (docs/keys.md)"
    )
    body_key: SecretStr = Field(
        SecretStr(""),
        description="32 hex digits: key of body hashes; else the field key lowest in number",
    )
    anchor_file: Path = Field(description="where sealed blocks are anchored, outside the database")
    book_grades: list[str] = Field(
        default=[], description="grades and open cells of the policy book allowed beyond A to C"
    )
    library: Path | None = Field(
        None, description="audit: folder of the agency's own rules, item groups and time limits"
    )

    @field_validator("library", "tls_certificate", "tls_key", "tls_authorities", mode="before")
    @classmethod
    def _none_where_empty(cls, named: object) -> object:
        """An empty variable names nothing, least of all the folder that the service stands in."""
        return None if named == "" else named

    @model_validator(mode="after")
    def _no_demo_keys_in_production(self) -> Self:
        if self.mode == "production" and self.field_key.get_secret_value().startswith(DEMO):
            raise ValueError("demo keys refuse to start in production mode")
        return self

    @model_validator(mode="after")
    def _a_certificate_has_its_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("TLS_CERTIFICATE and TLS_KEY are set together")
        return self


def unread(service: str) -> list[str]:
    """The variables behind a service's name that are no settings: misspelt ones, most likely."""
    prefix = f"{service.upper()}_"
    behind = {name for name in os.environ if name.upper().startswith(prefix)}
    return sorted(behind - {prefix + name.upper() for name in Settings.model_fields})


def unmarked(key: SecretStr) -> str:
    """The key itself, without the mark that a demo's keys carry."""
    return key.get_secret_value().removeprefix(DEMO)


def read_settings(service: str) -> Settings:
    """The settings of `service`, from variables that begin with its name in capitals. Ends the
    process in words where one is missing or amiss: never with their values, some are secrets."""
    prefix = f"{service.upper()}_"
    try:
        return Settings(_env_prefix=prefix)
    except ValidationError as error:
        said = [
            ": ".join((f"{prefix}{''.join(map(str, one['loc'][:1])) or '*'}".upper(), one["msg"]))
            for one in error.errors(include_input=False)
        ]
    except SettingsError as error:  # a list or a map that is none: its text names it alone
        said = [str(error)]
    raise SystemExit("; ".join((*said, "docs/settings.md lists the settings")))
