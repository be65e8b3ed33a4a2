"""Who calls: credentials, short-lived tokens, and the caller that every action is told."""

from __future__ import annotations

import hashlib
import secrets
import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from shared.plumbing.clock import Clock
from shared.plumbing.database import Pool

# The contract names EdDSA, the general name of what is called Ed25519 since RFC 9864.
warnings.filterwarnings("ignore", message="EdDSA is deprecated")

TOKEN_SECONDS = 600
_CACHE_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the credential says; the body never does."""

    client_id: str
    role: str
    pool_code: str
    institution_code: str


class BadToken(Exception):
    """The bearer token is missing, forged, of another service, or too old."""


class Tokens:
    """Issues and reads one service's bearer tokens (EdDSA, ten minutes, `aud` = the service)."""

    def __init__(self, service: str, key_pem: str, clock: Clock) -> None:
        self._service = service
        self._key = OKPKey.import_key(key_pem)
        self._clock = clock
        self._read: dict[str, tuple[Caller, int]] = {}

    def issue(self, caller: Caller) -> str:
        """A token for a caller."""
        now = int(self._clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": f"/{self._service}",
            "aud": self._service,
            "sub": caller.client_id,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "role": caller.role,
            "pool": caller.pool_code,
            "institution_code": caller.institution_code,
        }
        return jwt.encode({"alg": "EdDSA"}, claims, self._key, algorithms=["EdDSA"])

    def read(self, token: str) -> Caller:
        """The caller of a token. Raises BadToken.

        A token that was verified once is remembered until it expires: a signature check costs
        more than the rest of a hot request.
        """
        now = int(self._clock.now().timestamp())
        known = self._read.get(token)
        if known is None:
            known = self._verify(token)
            if len(self._read) >= _CACHE_MOST:
                self._read.clear()
            self._read[token] = known
        caller, expires = known
        if now >= expires:
            self._read.pop(token, None)
            raise BadToken
        return caller

    def _verify(self, token: str) -> tuple[Caller, int]:
        try:
            claims = jwt.decode(token, self._key, algorithms=["EdDSA"]).claims
            if claims["aud"] != self._service or claims["iss"] != f"/{self._service}":
                raise BadToken
            if int(claims.get("nbf", 0)) > self._clock.now().timestamp():
                raise BadToken
            caller = Caller(
                client_id=claims["sub"],
                role=claims["role"],
                pool_code=claims["pool"],
                institution_code=claims["institution_code"],
            )
            return caller, int(claims["exp"])
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise BadToken from error


async def add_client(
    pool: Pool, *, client_id: str, role: str, pool_code: str, institution_code: str, at: datetime,
    secret: str = "",
) -> str:  # fmt: skip
    """Store a credential under the owner's role; returns its secret, which is not kept."""
    secret = secret or secrets.token_urlsafe(24)
    salt = secrets.token_bytes(16)
    await pool.execute(
        "insert into client values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict (client_id) do update set secret_hash = $2, salt = $3, revoked_at = null",
        client_id, _secret_hash(secret, salt), salt, role, pool_code, institution_code, at,
    )  # fmt: skip
    return secret


async def check_client(pool: Pool, client_id: str, secret: str) -> Caller | None:
    """The caller behind a client id and its secret, None if they do not belong together."""
    row = await pool.fetchrow(
        "select secret_hash, salt, role, pool_code, institution_code from client"
        " where client_id = $1 and revoked_at is null",
        client_id,
    )
    salt = row["salt"] if row else b"0" * 16
    given = _secret_hash(secret, salt)
    if row is None or not secrets.compare_digest(given, row["secret_hash"]):
        return None
    return Caller(client_id, row["role"], row["pool_code"], row["institution_code"])


def _secret_hash(secret: str, salt: bytes) -> bytes:
    """Secrets are random and long, so one fast keyed hash is enough; no password is stored here."""
    return hashlib.blake2b(secret.encode("utf-8", "replace"), key=salt, digest_size=32).digest()
