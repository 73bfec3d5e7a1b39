"""The QR code that sets up ODK Collect: settings as JSON, compressed with zlib, in base64.

Source: ODK Collect's documentation, "Configuring ODK Collect with QR codes".
"""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

import segno

COLOUR = "#0f4c5c"
ICON = "🏠"


def settings_text(server_url: str, project_name: str, language: str) -> str:
    """What the QR code holds. server_url: with the canvasser's token, so the code is a key."""
    settings = {
        "general": {
            "server_url": server_url,
            "form_update_mode": "match_exactly",
            "autosend": "wifi_and_cellular",
            "app_language": language,
        },
        "admin": {},
        "project": {"name": project_name, "icon": ICON, "color": COLOUR},
    }
    return base64.b64encode(zlib.compress(json.dumps(settings, ensure_ascii=False).encode())).decode()


def qr_code_svg(server_url: str, project_name: str, language: str, title: str) -> str:
    """The QR code as an SVG element for a page, as large as its place there. title: told to who cannot see it."""
    return _svg(_code(server_url, project_name, language), title)


def address_code_svg(address: str, title: str) -> str:
    """The QR code of an address that a browser opens, as an SVG element like the other, of the class address-qr."""
    return _svg(segno.make(address, micro=False, error="m"), title, "address-qr")


def _svg(code: segno.QRCode, title: str, css_class: str = "qr") -> str:
    drawn: str = code.svg_inline(border=4, omitsize=True, svgclass=css_class, lineclass=None, title=title, light="#fff")
    return drawn


def write_qr_code(path: Path, server_url: str, project_name: str, language: str) -> None:
    """Draw the QR code as a picture; the ending of the file's name (.png, .svg) says which kind."""
    _code(server_url, project_name, language).save(str(path), scale=6, border=4)


def _code(server_url: str, project_name: str, language: str) -> segno.QRCode:
    return segno.make(settings_text(server_url, project_name, language), micro=False, error="m")
