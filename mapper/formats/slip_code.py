"""The text of a slip's QR code: version, key, content and signature, each readable by itself. The only importer of
cryptography.

``1.KEY.CONTENT.SIGNATURE``: the content is that of ``domain.slip`` in base64url, the signature Ed25519 (RFC 8032) over
the text before the last dot. JSON in base64url instead of CBOR in base45: a browser reads it without any library, and
it may stand in the fragment of an address.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from mapper.domain.slip import SHORTEST_CUT, Slip, cut, read_slip, write_slip
from mapper.errors import TooLarge, mark

VERSION = "1"
SIGNATURE = 64
LONGEST = 1200
ROOM = 666
"""Bytes in a QR code of version 20 at level M (ISO/IEC 18004, table 7): 97 squares a side, half a millimetre each where
it is as wide as on the cards."""
ADDRESS = 60
"""Bytes of it that the address before a slip's text may take."""
_TEXT = re.compile(rf"{VERSION}\.([0-9a-f]{{8}})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{{86}})")


class Fault(StrEnum):
    """Why a text is no slip of this server."""

    NO_SLIP = "no_slip"
    OTHER_KEY = "other_key"
    FORGED = "forged"


class Signed(NamedTuple):
    """A slip whose signature holds. key_id: of the key that signed it."""

    slip: Slip
    key_id: str


def new_key() -> bytes:
    """A new private key, 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key(private: bytes) -> bytes:
    """The public half of a private key, 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def key_id(public: bytes) -> str:
    """By what texts call a key: eight digits of the hash of its public half."""
    return hashlib.sha256(public).hexdigest()[:8]


def sign_legibly(slip: Slip, private: bytes) -> str:
    """The text of a slip for a code that print holds legibly; of a long name beside many doses its end is left out.

    Raises TooLarge where that does not suffice.
    """
    text = sign(slip, private)
    for letters in range(len(slip.name) - 1, SHORTEST_CUT - 1, -1):
        if len(text) <= ROOM - ADDRESS:
            break
        text = sign(replace(slip, name=cut(slip.name, letters)), private)
    if len(text) > ROOM - ADDRESS:
        raise TooLarge(
            mark("This slip tells more than a QR code holds legibly. Choose initials, or the year of birth.")
        )
    return text


def sign(slip: Slip, private: bytes) -> str:
    """The text of a slip, however long it is."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(private)
    head = f"{VERSION}.{key_id(key.public_key().public_bytes_raw())}.{_written(write_slip(slip))}"
    return f"{head}.{_written(key.sign(head.encode()))}"


def check(text: str, keys: Mapping[str, bytes]) -> Signed | Fault:
    """The slip of a text, or why it is none. keys: public ones by id."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    parts = _TEXT.fullmatch(text) if len(text) <= LONGEST else None
    if parts is None:
        return Fault.NO_SLIP
    name, told, signature = parts.groups()
    if name not in keys:
        return Fault.OTHER_KEY
    content, proof = _read(told), _read(signature)
    if content is None or proof is None:
        return Fault.FORGED
    try:
        Ed25519PublicKey.from_public_bytes(keys[name]).verify(proof, text.rpartition(".")[0].encode())
    except InvalidSignature:
        return Fault.FORGED
    slip = read_slip(content)
    return Signed(slip, name) if slip is not None else Fault.NO_SLIP


def from_address(typed: str) -> str:
    """The slip's text out of what was typed, pasted or scanned: with or without an address before it, on many lines."""
    return "".join(typed.split()).rpartition("#")[2]


def _written(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _read(text: str) -> bytes | None:
    """What ``_written`` wrote; None where other letters would have been written for it."""
    try:
        content = base64.urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}")
    except (binascii.Error, ValueError):
        return None
    return content if _written(content) == text else None
