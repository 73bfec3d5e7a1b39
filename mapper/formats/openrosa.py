"""The XML that phones are answered with: form list, manifest, submission reply, entity integrity.

Written for ODK Collect, which discards a whole list when one entry lacks a field: such an entry is refused here, so
that the phone gets an error and keeps its forms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import md5

from mapper.errors import Unavailable, mark
from mapper.formats.xml import escape_text

FORM_LIST = "http://openrosa.org/xforms/xformsList"
MANIFEST = "http://openrosa.org/xforms/xformsManifest"
RESPONSE = "http://openrosa.org/http/response"
CONTENT_TYPE = "text/xml; charset=utf-8"
"""Collect reads no other type."""
HEADERS = (("X-OpenRosa-Version", "1.0"), ("Cache-Control", "private, no-cache"))
"""What every answer to a phone carries."""

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True, slots=True)
class ListedForm:
    """One form for the form list.

    hash: ``md5_of`` the XForm's bytes exactly as served. manifest_url: None for a form without media.
    """

    form_id: str
    name: str
    version: str
    hash: str
    download_url: str
    manifest_url: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One media file for the manifest. hash: ``md5_of`` its bytes as served to this user.

    integrity_url: set for an entity list, where the phone asks which of its entities are gone.
    """

    filename: str
    hash: str
    download_url: str
    integrity_url: str | None = None


def md5_of(data: bytes) -> str:
    """The hash that phones compare, ``md5:`` with 32 hexadecimal digits. It guards against nothing but change."""
    return "md5:" + md5(data, usedforsecurity=False).hexdigest()


def form_list(forms: Iterable[ListedForm]) -> bytes:
    """The form list. Raises Unavailable where an entry lacks what Collect needs."""
    parts = [f'{_HEAD}<xforms xmlns="{FORM_LIST}">']
    for form in forms:
        needed = {
            "formID": form.form_id,
            "name": form.name,
            "version": form.version,
            "hash": form.hash,
            "downloadUrl": form.download_url,
        }
        _check(needed, form.form_id or form.name)
        parts.append("<xform>")
        parts += [_tag(name, text) for name, text in needed.items()]
        if form.description:
            parts.append(_tag("descriptionText", form.description))
        if form.manifest_url:
            parts.append(_tag("manifestUrl", form.manifest_url))
        parts.append("</xform>")
    parts.append("</xforms>")
    return "".join(parts).encode()


def manifest(files: Iterable[ListedFile]) -> bytes:
    """The manifest of a form's media. Raises Unavailable where an entry lacks what Collect needs."""
    parts = [f'{_HEAD}<manifest xmlns="{MANIFEST}">']
    for file in files:
        needed = {"filename": file.filename, "hash": file.hash, "downloadUrl": file.download_url}
        _check(needed, file.filename)
        parts.append('<mediaFile type="entityList">' if file.integrity_url else "<mediaFile>")
        parts += [_tag(name, text) for name, text in needed.items()]
        if file.integrity_url:
            parts.append(_tag("integrityUrl", file.integrity_url))
        parts.append("</mediaFile>")
    parts.append("</manifest>")
    return "".join(parts).encode()


def response(message: str) -> bytes:
    """What the phone shows after a submission, or instead of one."""
    return f'{_HEAD}<OpenRosaResponse xmlns="{RESPONSE}">{_tag("message", message)}</OpenRosaResponse>'.encode()


def integrity(deleted: Iterable[tuple[str, bool]]) -> bytes:
    """Which of the entities that a phone asked about are deleted: (entity id, deleted)."""
    rows = "".join(
        f'<entity id="{escape_text(identity, quoted=True)}">{_tag("deleted", "true" if gone else "false")}</entity>'
        for identity, gone in deleted
    )
    return f"{_HEAD}<data><entities>{rows}</entities></data>".encode()


def _tag(name: str, text: str) -> str:
    return f"<{name}>{escape_text(text)}</{name}>"


def _check(needed: dict[str, str], which: str) -> None:
    missing = [name for name, text in needed.items() if not text.strip()]
    if missing:
        raise Unavailable(
            mark("The entry {which} lacks {fields}; the list is not sent, so that phones keep what they have."),
            which=which or "?",
            fields=", ".join(missing),
        )
