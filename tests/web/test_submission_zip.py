"""The files sent with submissions in the zip of them: by which names, and how much memory they take."""

from __future__ import annotations

import csv
import io
import random
import tracemalloc
import zipfile
from pathlib import PurePosixPath
from unicodedata import normalize

from mapper.services import intake, submission_export
from mapper.services.accounts import by_id
from mapper.services.files_to_fetch import Made
from tests.client.site import House, Site

MEGABYTE = 1_000_000


def zipped(site: Site) -> Made:
    """The zip of everything that a new administrator may see."""
    boss = by_id(site.reference, site.user("administrator").id)
    assert boss is not None
    wish = submission_export.ZipWish("house_check", attachments=True, language="vi", sample=False)
    return submission_export.write_zip(site.reference, boss, wish)


def send(site: Site, instance_id: str, photo: str, files: dict[str, bytes]) -> None:
    intake.receive(site.reference, House(instance_id, photo=photo).xml, files)


def test_files_keep_their_accents_and_never_leave_their_folder_or_take_another_s_place(site: Site) -> None:
    phone = site.phone()
    phone.send(House("uuid:1", photo="Ảnh nhà.jpg").form({"Ảnh nhà.jpg": b"one"}))
    phone.send(House("uuid:2", photo="ảnh nhà.JPG").form({"ảnh nhà.JPG": b"two"}))
    phone.send(House("uuid:3", photo="Ảnh nhà.jpg").form({"Ảnh nhà.jpg": b"one"}))
    # As an import, an older release or another server may have kept them.
    send(site, "uuid:4", "../../up.jpg", {"../../up.jpg": b"four"})
    send(site, "uuid:5", "Ảnh nhà.jpg", {normalize("NFD", "Ảnh nhà.jpg"): b"five"})
    made = zipped(site)
    with zipfile.ZipFile(made.path) as archive:
        media = [one for one in archive.infolist() if one.filename.startswith("media/")]
        # Bit 11 says that the name is UTF-8; without it Windows reads another.
        assert all(one.flag_bits & 0x800 for one in media if not one.filename.isascii())
        names = [PurePosixPath(one.filename) for one in media]
        assert {name.name for name in names} == {"Ảnh nhà.jpg", "ảnh nhà~2.JPG", "Ảnh nhà~3.jpg", "up.jpg"}
        assert {str(name.parent) for name in names} == {"media"}
        rows = csv.DictReader(io.StringIO(archive.read("house_check.csv").decode("utf-8-sig"), newline=""))
        # Each row leads to its own file.
        found = {row["KEY"]: archive.read(f"media/{row['photo']}") for row in rows}
    assert found == {"uuid:1": b"one", "uuid:2": b"two", "uuid:3": b"one", "uuid:4": b"four", "uuid:5": b"five"}


def test_many_large_files_take_the_memory_of_one(site: Site) -> None:
    made = random.Random(20)
    for number in range(24):
        send(site, f"uuid:{number}", "photo.jpg", {"photo.jpg": made.randbytes(MEGABYTE)})
    tracemalloc.start()
    try:
        found = zipped(site)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.path.stat().st_size > 24 * MEGABYTE
    assert most < 8 * MEGABYTE
