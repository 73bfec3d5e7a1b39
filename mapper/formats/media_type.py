"""What kind of file an attachment is, told by its first bytes and never by its name or by what a phone called it."""

from __future__ import annotations

UNKNOWN = "application/octet-stream"
"""What a browser only ever saves."""

_SIGNS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypisom", "video/mp4"),
    (4, b"ftypmp4", "video/mp4"),
    (4, b"ftyp3gp", "video/3gpp"),
    (0, b"#!AMR", "audio/amr"),
)


def media_type(content: bytes) -> str:
    """The media type of a picture, sound or film; UNKNOWN for everything else, scripts and drawings among it."""
    return next((kind for at, sign, kind in _SIGNS if content[at : at + len(sign)] == sign), UNKNOWN)
