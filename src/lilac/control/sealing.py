"""Sealing and opening what is kept secret at rest: AES-256-GCM under a key that is never in the database.

A key has a short name, made from the key itself, that is stored beside what it sealed. Several keys may be known: the
first one seals, all of them open; so a key is replaced by putting the new one in front. What is sealed is bound to its
place (`context`): moved to another row it does not open.

Where no key is configured, one is made once, in a file of the data directory that only its owner can read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lilac.model.errors import InvalidInput, Unavailable

KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Sealed:
    key_id: str
    text: str
    """Nonce and ciphertext as base64."""


class Sealer:
    """Seals with the first of its keys, opens with any of them."""

    def __init__(self, keys: list[bytes]) -> None:
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self.active = key_id(keys[0])

    def __repr__(self) -> str:
        return f"Sealer({', '.join(self._ciphers)})"

    def seal(self, value: str, context: str) -> Sealed:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self.active].encrypt(nonce, value.encode(), context.encode())
        return Sealed(self.active, base64.b64encode(nonce + sealed).decode())

    def open(self, sealed: Sealed, context: str) -> str:
        """Raises `Unavailable` if this control plane has not the key, or the text was changed."""
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise Unavailable(
                f"It was sealed with key {sealed.key_id}, which this control plane does not have: "
                "give it in the setting secrets_key."
            )
        data = base64.b64decode(sealed.text)
        try:
            return cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], context.encode()).decode()
        except InvalidTag:
            raise Unavailable(
                f"It does not open with key {sealed.key_id}: the database holds something else."
            ) from None


def key_id(key: bytes) -> str:
    """The name of a key; says nothing about it."""
    return hashlib.sha256(b"lilac secrets key " + key).hexdigest()[:12]


def load_sealer(configured: str | None, key_file: Path) -> Sealer:
    """The keys of the setting (several with commas or line breaks), else those of the file, which is made if needed.

    Raises:
        InvalidInput: what is configured is no key.
    """
    if configured:
        return Sealer(_parse(configured, "secrets_key"))
    key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(key_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return Sealer(_parse(key_file.read_text(encoding="ascii", errors="replace"), str(key_file)))
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return Sealer(_parse(key_file.read_text(encoding="ascii"), str(key_file)))


def _parse(text: str, where: str) -> list[bytes]:
    keys = [_key(word, where) for word in text.replace(",", "\n").split()]
    if not keys:
        raise InvalidInput(f"{where} holds no key: give {KEY_BYTES} random bytes as {2 * KEY_BYTES} hex digits.")
    return keys


def _key(word: str, where: str) -> bytes:
    for decode in (bytes.fromhex, lambda text: base64.b64decode(text, validate=True)):
        try:
            key = decode(word)
        except (ValueError, binascii.Error):
            continue
        if len(key) == KEY_BYTES:
            return key
    raise InvalidInput(f"{where} must hold keys of {KEY_BYTES} bytes, as hex digits or base64.", field="secrets_key")
