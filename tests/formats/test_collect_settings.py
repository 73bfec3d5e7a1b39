"""The QR code that sets up ODK Collect."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

from mapper.formats.collect_settings import settings_text, write_qr_code


def test_settings_hold_what_collect_needs() -> None:
    text = settings_text("https://tiem.example.vn/key/abc", "Từng Nhà", "vi")
    settings = json.loads(zlib.decompress(base64.b64decode(text)))
    assert set(settings) == {"general", "admin", "project"}
    assert settings["general"]["server_url"] == "https://tiem.example.vn/key/abc"
    assert settings["general"]["form_update_mode"] == "match_exactly"
    assert settings["project"]["name"] == "Từng Nhà"


def test_picture_is_written(tmp_path: Path) -> None:
    write_qr_code(tmp_path / "card.png", "https://tiem.example.vn/key/abc", "Từng Nhà", "vi")
    assert (tmp_path / "card.png").read_bytes().startswith(b"\x89PNG")
