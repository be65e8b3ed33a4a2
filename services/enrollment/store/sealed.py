"""Fields that only this service may read: sealed at rest, found by a keyed index."""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_KEY_ID = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_SM4_KEY_BYTES = 16


class Vault:
    """Seals with SM4-GCM and indexes with HMAC-SM3, each under a key of its own.

    A sealed field is: key id (1 byte), nonce (12), tag (16), cipher text. It is bound to its
    place, so that a field moved to another row or column does not open.
    """

    def __init__(self, field_key: str) -> None:
        master = bytes.fromhex(field_key)
        if len(master) != _SM4_KEY_BYTES:
            raise ValueError("field_key is 32 hexadecimal digits")
        self._seal_key = _mac(master, b"seal")[:_SM4_KEY_BYTES]
        self._index_key = _mac(master, b"index")

    def index(self, text: str) -> bytes:
        """The same 32 bytes for the same text, and no way back without the key."""
        return _mac(self._index_key, text.encode())

    def seal(self, text: str, place: str) -> bytes:
        """Text, sealed to its place."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealer = Cipher(algorithms.SM4(self._seal_key), modes.GCM(nonce)).encryptor()
        sealer.authenticate_additional_data(_KEY_ID + place.encode())
        cipher_text = sealer.update(text.encode()) + sealer.finalize()
        return _KEY_ID + nonce + sealer.tag + cipher_text

    def open(self, sealed: bytes, place: str) -> str:
        """Sealed text. Raises cryptography's InvalidTag when it was changed or moved."""
        nonce, tag = sealed[1:13], sealed[13 : 13 + _TAG_BYTES]
        opener = Cipher(algorithms.SM4(self._seal_key), modes.GCM(nonce, tag)).decryptor()
        opener.authenticate_additional_data(sealed[:1] + place.encode())
        return (opener.update(sealed[29:]) + opener.finalize()).decode()


def _mac(key: bytes, message: bytes) -> bytes:
    keyed = hmac.HMAC(key, hashes.SM3())
    keyed.update(message)
    return keyed.finalize()
