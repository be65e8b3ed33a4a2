"""Fields that only this service may read: sealed at rest, found by a keyed index."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from shared.plumbing.field_keys import FieldKey, read_keys

_NONCE_BYTES = 12
_TAG_BYTES = 16
_SM4_KEY_BYTES = 16


class KeyNotHeld(Exception):
    """A field was sealed under a key that is not among the settings' keys."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """What follows from one field key: a key that seals and one that indexes."""

    key_id: int
    seal_key: bytes
    index_key: bytes


class Vault:
    """Seals with SM4-GCM and indexes with HMAC-SM3, each under a key of its own.

    A sealed field is: key id (1 byte), nonce (12), tag (16), cipher text. It is bound to its
    place, so that a field moved to another row or column does not open. Whatever any of the keys
    sealed is opened; the first key seals.
    """

    def __init__(self, field_keys: str) -> None:
        """Keys as the settings hold them. Raises ValueError."""
        self._pairs = {key.id: _pair(key) for key in read_keys(field_keys)}
        self.key_ids = tuple(self._pairs)
        self.current = self.key_ids[0]

    def index(self, text: str, key_id: int = 0) -> bytes:
        """The same 32 bytes for the same text and key, and no way back without the key."""
        return _mac(self._pairs[key_id or self.current].index_key, text.encode())

    def indexes(self, text: str) -> dict[int, bytes]:
        """The index under each key: whichever key's process was first, the other meets it."""
        return {key_id: self.index(text, key_id) for key_id in self.key_ids}

    def seal(self, text: str, place: str) -> bytes:
        """Text, sealed to its place under the current key."""
        pair = self._pairs[self.current]
        key_id, nonce = bytes([pair.key_id]), secrets.token_bytes(_NONCE_BYTES)
        sealer = Cipher(algorithms.SM4(pair.seal_key), modes.GCM(nonce)).encryptor()
        sealer.authenticate_additional_data(key_id + place.encode())
        cipher_text = sealer.update(text.encode()) + sealer.finalize()
        return key_id + nonce + sealer.tag + cipher_text

    def open(self, sealed: bytes, place: str) -> str:
        """Sealed text. Raises cryptography's InvalidTag when it was changed, moved or sealed by
        another key of the same number, and KeyNotHeld when its key is not here.
        """
        pair = self._pairs.get(sealed[0])
        if pair is None:
            raise KeyNotHeld(f"field key {sealed[0]}")
        nonce, tag = sealed[1:13], sealed[13 : 13 + _TAG_BYTES]
        opener = Cipher(algorithms.SM4(pair.seal_key), modes.GCM(nonce, tag)).decryptor()
        opener.authenticate_additional_data(sealed[:1] + place.encode())
        return (opener.update(sealed[29:]) + opener.finalize()).decode()


def _pair(key: FieldKey) -> _Pair:
    return _Pair(key.id, _mac(key.secret, b"seal")[:_SM4_KEY_BYTES], _mac(key.secret, b"index"))


def _mac(key: bytes, message: bytes) -> bytes:
    keyed = hmac.HMAC(key, hashes.SM3())
    keyed.update(message)
    return keyed.finalize()
