"""Values sealed with keys that lie outside the database: the codec, and the column types that seal and open by it.

AES-256-GCM-SIV (RFC 8452): a nonce drawn at random is safe for as many values as there will ever be, which plain GCM
does not offer, and one name takes a fifth of the time of a Fernet token and half its room. Keys are written as Fernet's
are: 32 bytes, URL-safe base64. A sealed value begins with a mark and the id of its key, so that sealed and plain
values stand side by side, and values of several keys.
"""

from __future__ import annotations

import os
import stat
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import LargeBinary, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator, TypeEngine

from mapper.errors import InvalidInput, Unavailable, mark

TEXT_MARK = "\x02"
"""Begins a sealed text: XML cannot hold this character, and JSON writes it otherwise."""

BYTES_MARK = b"\x02TNs"

KEY_BYTES = 32
_ID_BYTES = 3
"""Of a key's id: four characters of base64 in a text."""

_NONCE_BYTES = 12
_LEAST = _ID_BYTES + _NONCE_BYTES + 16
"""Bytes of a sealed value of nothing."""

Value = Any
"""Text or bytes, as the column has it."""


@dataclass(frozen=True, slots=True)
class _Key:
    id: bytes
    cipher: AESGCMSIV

    @classmethod
    def of(cls, secret: bytes) -> _Key:
        own = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"mapper sealed fields").derive(secret)
        return cls(sha256(b"mapper key id" + secret).digest()[:_ID_BYTES], AESGCMSIV(own))


class Sealing:
    """The keys of a file, the newest first. Safe for threads.

    Whoever finds a value of a key that it does not know reads the file once more: a key may have been added since.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._load()

    def _load(self) -> None:
        keys = [_Key.of(secret) for secret in read_keys(self._path)]
        self._keys = {key.id: key for key in reversed(keys)}
        self._newest = keys[0]
        self.text_start = f"{TEXT_MARK}{urlsafe_b64encode(self._newest.id).decode()}"
        self.bytes_start = BYTES_MARK + self._newest.id

    def seal(self, text: str) -> str:
        """A text with the newest key; an empty one tells nothing and stays."""
        if not text:
            return text
        key, nonce = self._newest, os.urandom(_NONCE_BYTES)
        sealed = key.id + nonce + key.cipher.encrypt(nonce, text.encode(), None)
        return f"{TEXT_MARK}{urlsafe_b64encode(sealed).decode()}"

    def open(self, text: str) -> str:
        """What was sealed; a plain text as it is. Raises Unavailable where no key of the file fits."""
        if not text.startswith(TEXT_MARK):
            return text
        try:
            body = b64decode(text[1:], b"-_", validate=True)
        except (NoBase64, ValueError):
            body = b""
        # Something else that begins so was not sealed by this program.
        return self._decrypt(body).decode() if len(body) >= _LEAST else text

    def seal_bytes(self, content: bytes) -> bytes:
        """Bytes with the newest key."""
        key, nonce = self._newest, os.urandom(_NONCE_BYTES)
        # Not what was worked out of it beforehand: another thread may be reading the file again.
        return BYTES_MARK + key.id + nonce + key.cipher.encrypt(nonce, content, None)

    def open_bytes(self, content: bytes) -> bytes:
        """What was sealed; plain bytes as they are. Raises Unavailable where no key of the file fits."""
        content = bytes(content)
        ours = content.startswith(BYTES_MARK) and len(content) >= len(BYTES_MARK) + _LEAST
        return self._decrypt(content[len(BYTES_MARK) :]) if ours else content

    def _decrypt(self, body: bytes) -> bytes:
        identity, nonce = body[:_ID_BYTES], body[_ID_BYTES : _ID_BYTES + _NONCE_BYTES]
        if identity not in self._keys:
            with suppress(InvalidInput):
                self._load()
        try:
            return self._keys[identity].cipher.decrypt(nonce, body[_ID_BYTES + _NONCE_BYTES :], None)
        except (KeyError, InvalidTag, ValueError) as fault:
            raise wrong_key() from fault


def wrong_key() -> Unavailable:
    """No key of the file opens what the database holds."""
    return Unavailable(
        mark(
            "The names in this database are sealed with a key that is not in the file of MAPPER_FIELD_KEY. Put that "
            "key into the file, on a line of its own; without it nobody can read them."
        )
    )


def read_keys(path: Path) -> list[bytes]:
    """The secrets of a file of keys, the newest first; lines that begin with # are notes.

    Raises InvalidInput for a file that cannot be read, holds none, or that everybody on the machine may read.
    """
    try:
        mode, lines = path.stat().st_mode, path.read_text("ascii").splitlines()
    except (OSError, ValueError) as fault:
        raise InvalidInput(
            mark("The file of keys {file} cannot be read. Make one with: python server.py make-key"), file=str(path)
        ) from fault
    if mode & stat.S_IRWXO:
        raise InvalidInput(
            mark("Everybody on this machine may read the file of keys {file}. Run: chmod 600 {file}"), file=str(path)
        )
    told = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    try:
        secrets = [urlsafe_b64decode(line) for line in told]
    except (NoBase64, ValueError):
        secrets = []
    ids = {_Key.of(secret).id for secret in secrets}
    if not secrets or any(len(secret) != KEY_BYTES for secret in secrets) or len(ids) < len(secrets):
        raise InvalidInput(
            mark(
                "The file of keys {file} holds something else. It has a key a line, 32 bytes in base64, the newest "
                "first and none twice. Make one with: python server.py make-key"
            ),
            file=str(path),
        )
    return secrets


def add_key(path: Path) -> int:
    """Put a new key in front of those of a file, made where there is none; how many it holds now.

    The file is whole at every moment. Raises InvalidInput as ``read_keys`` does.
    """
    before = read_keys(path) if path.exists() else []
    known = {_Key.of(secret).id for secret in before}
    secret = os.urandom(KEY_BYTES)
    while _Key.of(secret).id in known:
        secret = os.urandom(KEY_BYTES)
    part = path.with_name(path.name + ".part")
    handle = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(b"".join(urlsafe_b64encode(each) + b"\n" for each in (secret, *before)))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return len(before) + 1


# Columns


class _Blind(TypeDecorator.Comparator[Any]):
    """A sealed value is another one each time: to compare it in SQL finds nothing, so that nobody may."""

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        told = op in (operators.is_, operators.is_not)
        told = told or (op in (operators.eq, operators.ne) and other in ((None,), ("",)))
        told = told or (op is operators.startswith_op and bool(getattr(self.type, "after", "")))
        if not told:
            raise TypeError("sealed values are compared when they are opened, not in SQL")
        return super().operate(op, *other, **kwargs)


class SealedText(TypeDecorator[str]):
    """Text that is sealed where the database has keys.

    after: what stands before its first occurrence stays readable, as the kind of a JSON list does before the comma.
    """

    impl = Text
    cache_ok = True
    comparator_factory = _Blind

    def __init__(self, impl: type[String] = Text, after: str = "") -> None:
        super().__init__()
        self.impl = impl()  # type: ignore[assignment]
        self.after = after

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return String() if op is operators.startswith_op else self

    def seal(self, sealing: Sealing, text: str) -> str:
        """As it is kept."""
        if not self.after:
            return sealing.seal(text)
        head, comma, rest = text.partition(self.after)
        return head + sealing.seal(comma + rest)

    def open(self, sealing: Sealing, text: str) -> str:
        """As it was given."""
        if not self.after:
            return sealing.open(text)
        head, sealed, rest = text.partition(TEXT_MARK)
        return head + sealing.open(sealed + rest)

    def stands(self, sealing: Sealing, text: str) -> bool:
        """Whether it is kept under the newest key, or there is nothing to seal."""
        _, sealed, rest = text.partition(TEXT_MARK) if self.after else ("", text, "")
        return not text or (sealed + rest).startswith(sealing.text_start)

    def is_sealed(self, text: str) -> bool:
        """Whether it is kept under any key."""
        return TEXT_MARK in text if self.after else text.startswith(TEXT_MARK)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return sealer(self, dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return opener(self, dialect)


class SealedBytes(TypeDecorator[bytes]):
    """Bytes that are sealed where the database has keys."""

    impl = LargeBinary
    cache_ok = True
    comparator_factory = _Blind
    after = ""

    def seal(self, sealing: Sealing, content: bytes) -> bytes:
        """As they are kept."""
        return sealing.seal_bytes(content)

    def open(self, sealing: Sealing, content: bytes) -> bytes:
        """As they were given."""
        return sealing.open_bytes(content)

    def stands(self, sealing: Sealing, content: bytes) -> bool:
        """Whether they are kept under the newest key."""
        return bytes(content[:7]) == sealing.bytes_start

    def is_sealed(self, content: bytes) -> bool:
        """Whether they are kept under any key."""
        return bytes(content[:4]) == BYTES_MARK

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return sealer(self, dialect) or super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return opener(self, dialect) or super().result_processor(dialect, coltype)


Sealed = SealedText | SealedBytes


def sealing_of(dialect: Dialect) -> Sealing | None:
    """The keys of the database that statements of this dialect are for."""
    return getattr(dialect, "sealing", None)


def sealer(of: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What is done to a value on its way into a column of this type; None for nothing."""
    sealing = sealing_of(dialect)
    if sealing is None or not isinstance(of, Sealed):
        return None
    return lambda value: None if value is None else of.seal(sealing, value)


def opener(of: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What is done to a value on its way out of a column of this type; None for nothing."""
    sealing = sealing_of(dialect)
    if sealing is None or not isinstance(of, Sealed):
        return None
    return lambda value: None if value is None else of.open(sealing, value)


def with_all(row: Sequence[Any], at: Sequence[tuple[int, Callable[[Any], Any]]]) -> tuple[Any, ...]:
    """A row with what is to be done to some of its places done."""
    changed = list(row)
    for place, change in at:
        changed[place] = change(changed[place])
    return tuple(changed)
