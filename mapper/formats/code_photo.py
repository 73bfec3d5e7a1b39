"""A photo of a QR code -> its text, for browsers that read no codes themselves. The only importer of zxing-cpp."""

from __future__ import annotations

import io

from mapper.errors import InvalidInput, TooLarge, mark

LARGEST_BYTES = 12_000_000
MOST_PIXELS = 50_000_000


def read_code(photo: bytes) -> str:
    """The text of the one QR code in a photo; it is looked at in memory and kept nowhere.

    Raises TooLarge for more than LARGEST_BYTES or MOST_PIXELS, InvalidInput where there is no picture or no code in it.
    """
    import zxingcpp
    from PIL import Image

    if len(photo) > LARGEST_BYTES:
        raise TooLarge(mark("This picture is too large. Take a smaller one of the code alone."))
    try:
        with Image.open(io.BytesIO(photo), formats=("JPEG", "PNG", "WEBP")) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise TooLarge(mark("This picture is too large. Take a smaller one of the code alone."))
            grey = opened.convert("L")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:
        raise InvalidInput(mark("This file is no picture. Choose a photo, as JPEG, PNG or WebP.")) from fault
    found = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormat.QRCode)  # type: ignore[arg-type]
    if not found:
        raise InvalidInput(
            mark("No code was found in this picture. Come nearer, hold still, and avoid glare."),
        )
    return str(found[0].text)
