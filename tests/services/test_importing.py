"""Submissions from a cable or a zip: every file is taken, known already, or refused with its reason."""

from __future__ import annotations

import shutil
import struct
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import select

from mapper.errors import InvalidInput, NotFound, TooLarge
from mapper.services import importing, intake
from mapper.services.reference import Reference
from mapper.store import submissions, tables
from mapper.store.database import Database
from tests.client.site import House, fill_database

PHOTO = unicodedata.normalize("NFC", "Ảnh nhà Nguyễn.jpg")
ONE = House("uuid:one", photo=PHOTO)
TWO = House("uuid:two")
# As Collect lays them out: a folder an instance, with its photos and its log.
PHONE = {
    "instances/house_check_2022-08-10_08-00-00/house_check_2022-08-10_08-00-00.xml": ONE.xml,
    f"instances/house_check_2022-08-10_08-00-00/{PHOTO}": b"JPEG",
    "instances/house_check_2022-08-10_08-00-00/audit.csv": b"event\n",
    "instances/house_check_2022-08-10_09-00-00/house_check_2022-08-10_09-00-00.xml": TWO.xml,
}

Make = Callable[[Mapping[str, bytes]], Path]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the small form published."""
    folder = tmp_path_factory.mktemp("filled")
    fill_database(f"sqlite:///{folder / 'filled.sqlite3'}", folder)
    return folder / "filled.sqlite3"


@pytest.fixture
def reference(filled: Path, tmp_path: Path) -> Iterator[Reference]:
    """A copy of it."""
    shutil.copy(filled, tmp_path / "copy.sqlite3")
    made = Reference(Database(f"sqlite:///{tmp_path / 'copy.sqlite3'}"))
    yield made
    made.database.close()


def make_folder(root: Path, files: Mapping[str, bytes]) -> Path:
    """The files below a folder."""
    folder = root / "from the phone"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def make_zip(root: Path, files: Mapping[str, bytes]) -> Path:
    """The files in an archive."""
    path = root / "from the phone.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(params=[make_folder, make_zip])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Lays files into a folder, or into a zip."""
    return lambda files: request.param(tmp_path, files)


def take(reference: Reference, path: Path) -> dict[str, str]:
    """Outcome by the file's own name; a reason stands behind the word."""
    found = importing.find(path)
    results = list(importing.take(reference, found))
    assert sorted(result.name for result in results) == sorted(file.path for file in found), "every file, once"
    return {
        result.name.rpartition("/")[2]: result.outcome + (f": {result.problem}" if result.problem else "")
        for result in results
    }


def files_of(reference: Reference, instance_id: str) -> dict[str, bytes]:
    """What is kept of a submission besides its XML."""
    a, b = tables.attachments, tables.blobs
    with reference.database.read() as connection:
        rows = connection.execute(
            select(a.c.name, b.c.content).join(b, a.c.sha256 == b.c.sha256).where(a.c.instance_id == instance_id)
        )
        return {row.name: bytes(row.content) for row in rows}


def states(reference: Reference) -> dict[str, str]:
    """State by instance id of all that is kept."""
    s = tables.submissions
    with reference.database.read() as connection:
        return {row.instance_id: row.state for row in connection.execute(select(s.c.instance_id, s.c.state))}


# Taken


def test_instances_of_a_phone_are_taken_with_their_files(reference: Reference, make: Make) -> None:
    assert take(reference, make(PHONE)) == {
        "house_check_2022-08-10_08-00-00.xml": "taken",
        PHOTO: "taken",
        "audit.csv": "taken",
        "house_check_2022-08-10_09-00-00.xml": "taken",
    }
    assert states(reference) == {"uuid:one": "processed", "uuid:two": "processed"}
    assert files_of(reference, "uuid:one") == {PHOTO: b"JPEG", "audit.csv": b"event\n"}
    assert files_of(reference, "uuid:two") == {}


def test_second_import_has_all_already(reference: Reference, make: Make) -> None:
    path = make(PHONE)
    take(reference, path)
    assert set(take(reference, path).values()) == {"known"}
    assert intake.how_many(reference) == 2


def test_file_of_other_content_is_taken_beside_the_one_that_was_here(reference: Reference, make: Make) -> None:
    intake.receive(reference, ONE.xml, {"audit.csv": b"event\n", PHOTO: b"JPEG"})
    intake.receive(reference, ONE.xml, {PHOTO: b"JPEG, retouched"})
    told = take(
        reference,
        make({name: b"event\nfinished\n" if name.endswith(".csv") else content for name, content in PHONE.items()}),
    )
    assert (told["audit.csv"], told[PHOTO]) == ("taken", "known")
    with reference.database.read() as connection:
        kept = submissions.attachment_hashes(connection, "uuid:one")
    assert {name: len(hashes) for name, hashes in kept.items()} == {"audit.csv": 2, PHOTO: 2}


def test_file_that_came_later_is_taken_with_a_known_submission(reference: Reference, make: Make) -> None:
    without = {name: content for name, content in PHONE.items() if not name.endswith(".jpg")}
    intake.receive(reference, ONE.xml, {"audit.csv": b"event\n"})
    assert set(without) < set(PHONE)
    told = take(reference, make(PHONE))
    assert told["house_check_2022-08-10_08-00-00.xml"] == "known"
    assert (told["audit.csv"], told[PHOTO]) == ("known", "taken")
    assert files_of(reference, "uuid:one")[PHOTO] == b"JPEG"


@pytest.mark.parametrize(("on_disk", "in_xml"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFD", "NFD")])
def test_photo_is_found_however_its_accents_are_written(
    reference: Reference, make: Make, on_disk: str, in_xml: str
) -> None:
    house = ONE.but(photo=unicodedata.normalize(in_xml, PHOTO))  # type: ignore[arg-type]
    name = unicodedata.normalize(on_disk, PHOTO)  # type: ignore[arg-type]
    assert take(reference, make({"a/a.xml": house.xml, f"a/{name}": b"JPEG"})) == {"a.xml": "taken", name: "taken"}
    assert files_of(reference, "uuid:one") == {PHOTO: b"JPEG"}


def test_name_with_signs_that_xml_escapes_is_found(reference: Reference, make: Make) -> None:
    house = ONE.but(photo="nhà ông A & bà B.jpg")
    told = take(reference, make({"a.xml": house.xml, "nhà ông A & bà B.jpg": b"JPEG"}))
    assert set(told.values()) == {"taken"}


def test_many_instances_in_one_folder_keep_their_own_photos(reference: Reference, make: Make) -> None:
    houses = [House(f"uuid:{n}", photo=f"{n}.jpg") for n in range(30)]
    files = {f"{n}.XML": house.xml for n, house in enumerate(houses)} | {f"{n}.jpg": b"%d" % n for n in range(30)}
    assert set(take(reference, make(files)).values()) == {"taken"}
    for number in range(30):
        assert files_of(reference, f"uuid:{number}") == {f"{number}.jpg": b"%d" % number}


def test_edits_are_taken_in_any_order(reference: Reference, make: Make) -> None:
    third = TWO.edited("uuid:three", people=())
    told = take(reference, make({"1/a.xml": third.xml, "2/b.xml": ONE.edited("uuid:four").xml, "3/c.xml": TWO.xml}))
    assert told == {"a.xml": "taken", "b.xml": "taken", "c.xml": "taken"}
    assert states(reference) == {"uuid:three": "processed", "uuid:four": "held", "uuid:two": "superseded"}


def test_encrypted_instance_is_kept_with_its_envelope(reference: Reference, make: Make) -> None:
    xml = (
        b'<data xmlns="http://www.opendatakit.org/xforms/encrypted" encrypted="yes" id="plain" version="1">'
        b'<orx:meta xmlns:orx="http://openrosa.org/xforms"><orx:instanceID>uuid:e</orx:instanceID></orx:meta>'
        b"<encryptedXmlFile>submission.xml.enc</encryptedXmlFile></data>"
    )
    told = take(reference, make({"e/submission.xml": xml, "e/submission.xml.enc": b"\x00\x01"}))
    assert told == {"submission.xml": "taken", "submission.xml.enc": "taken"}
    assert files_of(reference, "uuid:e") == {"submission.xml.enc": b"\x00\x01"}


def test_what_cannot_be_counted_is_taken_and_says_why(reference: Reference, make: Make) -> None:
    told = take(reference, make({"a.xml": ONE.but(version="7").xml}))
    assert told["a.xml"].startswith("taken: Form house_check has no version 7 here.")
    again = take(reference, make({"a.xml": ONE.but(version="7").xml}))
    assert again["a.xml"].startswith("known: Form house_check has no version 7 here.")


@pytest.mark.parametrize("hidden", [".DS_Store", "__MACOSX/a/._a.xml", "a/.thumbnails/1.jpg", ".cache/a.xml"])
def test_what_systems_hide_is_passed_over(reference: Reference, make: Make, hidden: str) -> None:
    assert take(reference, make({"a/a.xml": TWO.xml, hidden: b"\x00"})) == {"a.xml": "taken"}


def test_empty_folder_is_no_error(reference: Reference, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert take(reference, tmp_path / "empty") == {}


# Refused


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "The XML is empty"),
        (b"<a", "Not well-formed XML"),
        (b"\x89PNG\r\n", "XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "<!DOCTYPE"),
        (
            b'<h:html xmlns:h="http://www.w3.org/1999/xhtml"><h:head/></h:html>',
            "namespace http://www.w3.org/1999/xhtml",
        ),
        (b"<manifest/>", "has no form id"),
        (b'<data id="plain"/>', "has no instanceID"),
        (ONE.but(form_id="other").xml, "This server has no form other"),
    ],
)
def test_other_xml_is_refused_with_the_reason(reference: Reference, make: Make, content: bytes, says: str) -> None:
    told = take(reference, make({"1/other.xml": content, "2/good.xml": TWO.xml}))
    assert told["other.xml"].startswith("refused: ") and says in told["other.xml"]
    assert told["good.xml"] == "taken"
    assert states(reference) == {"uuid:two": "processed"}


def test_same_id_with_other_answers_is_refused_and_the_first_stays(reference: Reference, make: Make) -> None:
    told = take(reference, make({"1/a.xml": ONE.xml, "2/b.xml": ONE.but(head="Ai khác").xml, f"2/{PHOTO}": b"JPEG"}))
    assert told["a.xml"] == "taken"
    assert told["b.xml"].startswith("refused: Submission uuid:one is already here with other answers")
    assert told[PHOTO] == "refused: Its submission was refused."
    assert files_of(reference, "uuid:one") == {}


def test_file_that_no_submission_names_is_refused(reference: Reference, make: Make) -> None:
    told = take(reference, make({"a/a.xml": TWO.xml, "a/holiday.jpg": b"JPEG", "b/lonely.jpg": b"JPEG"}))
    assert told["a.xml"] == "taken"
    assert {told["holiday.jpg"], told["lonely.jpg"]} == {
        "refused: No submission beside this file names it as its attachment."
    }


def test_photo_in_another_folder_is_not_taken_for_this_one(reference: Reference, make: Make) -> None:
    told = take(reference, make({"a/a.xml": ONE.xml, f"b/{PHOTO}": b"JPEG"}))
    assert told[PHOTO].startswith("refused")
    assert files_of(reference, "uuid:one") == {}


def test_log_among_several_instances_belongs_to_nobody(reference: Reference, make: Make) -> None:
    told = take(reference, make({"a.xml": ONE.xml, "b.xml": TWO.xml, "audit.csv": b"event\n"}))
    assert (told["a.xml"], told["b.xml"]) == ("taken", "taken")
    assert told["audit.csv"].startswith("refused")


def test_photo_that_stands_twice_is_taken_once(reference: Reference, make: Make) -> None:
    names = {unicodedata.normalize("NFC", PHOTO), unicodedata.normalize("NFD", PHOTO)}
    told = take(reference, make({"a.xml": ONE.xml} | dict.fromkeys(names, b"JPEG")))
    assert sorted(outcome.partition(":")[0] for outcome in told.values()) == ["refused", "taken", "taken"]


def test_file_too_large_is_refused_and_its_submission_taken(
    reference: Reference, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MAX_FILE_BYTES", 2_000_000)
    told = take(reference, make({"a/a.xml": ONE.xml, f"a/{PHOTO}": bytes(2_000_001), "b.xml": bytes(2_000_001)}))
    assert told == {
        "a.xml": "taken",
        PHOTO: "refused: The file is larger than 2 MB.",
        "b.xml": "refused: The file is larger than 2 MB.",
    }


def test_file_that_is_gone_is_refused(reference: Reference, tmp_path: Path) -> None:
    folder = make_folder(tmp_path, PHONE)
    found = importing.find(folder)
    shutil.rmtree(folder)
    outcomes = [(result.outcome, str(result.problem)) for result in importing.take(reference, found)]
    assert {outcome for outcome, _ in outcomes} == {"refused"}
    assert len(outcomes) == 4
    assert outcomes[0][1].startswith("The file cannot be read (")


# What is no folder and no zip


def test_path_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        importing.find(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"nothing", ONE.xml, b"PK\x03\x04 cut off"])
def test_file_that_is_no_zip_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InvalidInput, match="neither a folder nor a zip"):
        importing.find(tmp_path / "file")


def test_too_many_files_are_refused_before_anything_is_taken(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_FILES", 3)
    with pytest.raises(TooLarge, match="4 files, more than 3"):
        importing.find(make(PHONE))


# Zips of every kind


def test_zip_cut_in_the_middle_is_refused(tmp_path: Path) -> None:
    whole = make_zip(tmp_path, PHONE).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidInput):
        importing.find(tmp_path / "cut.zip")


def test_zip_with_a_broken_index_is_refused(tmp_path: Path) -> None:
    whole = bytearray(make_zip(tmp_path, PHONE).read_bytes())
    start = struct.unpack("<I", whole[-6:-2])[0]
    whole[start : start + 4] = b"XXXX"
    (tmp_path / "broken.zip").write_bytes(whole)
    with pytest.raises(InvalidInput, match="damaged"):
        importing.find(tmp_path / "broken.zip")


def test_zip_with_a_damaged_entry_refuses_that_one_only(reference: Reference, tmp_path: Path) -> None:
    path = make_zip(tmp_path, {"a.xml": ONE.xml, "b.xml": TWO.xml})
    whole = bytearray(path.read_bytes())
    whole[60:70] = bytes(10)
    path.write_bytes(whole)
    told = take(reference, path)
    assert told["a.xml"].startswith("refused: The zip file is damaged or locked")
    assert told["b.xml"] == "taken"


def test_zip_with_a_password_is_refused_with_the_cure(reference: Reference, tmp_path: Path) -> None:
    path = make_zip(tmp_path, {"a.xml": ONE.xml})
    whole = bytearray(path.read_bytes())
    # The flag that says "encrypted", in the entry and in the index.
    whole[6] |= 1
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(whole)
    assert take(reference, path) == {
        "a.xml": "refused: The zip file is damaged or locked here. Make it again without a password."
    }
    assert states(reference) == {}


def test_zip_that_holds_more_than_it_says_is_refused(
    reference: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MAX_FILE_BYTES", 1_000_000)
    path = make_zip(tmp_path, {"bomb.xml": bytes(50_000_000)})
    assert path.stat().st_size < 100_000
    whole = bytearray(path.read_bytes())
    at = whole.index(b"PK\x01\x02")
    whole[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(whole)
    assert take(reference, path)["bomb.xml"].startswith("refused: ")
    assert states(reference) == {}


def test_names_of_a_zip_are_read_as_the_packers_wrote_them(reference: Reference, tmp_path: Path) -> None:
    """UTF-8 without the flag, as some systems pack, and backslashes between folders, as others do."""
    path = tmp_path / "old.zip"
    raw = PHOTO.encode()
    placeholder = "p" * len(raw)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Phone/a/a.xml", ONE.xml)
        archive.writestr(f"Phone/a/{placeholder}", b"JPEG")
    path.write_bytes(path.read_bytes().replace(placeholder.encode(), raw).replace(b"Phone/a/", b"Phone\\a\\"))
    assert take(reference, path) == {"a.xml": "taken", PHOTO: "taken"}
    assert files_of(reference, "uuid:one") == {PHOTO: b"JPEG"}


def test_nothing_is_ever_written_beside_the_database(reference: Reference, tmp_path: Path) -> None:
    path = make_zip(tmp_path, {"../../escaped.xml": ONE.xml, "/etc/absolute.xml": TWO.xml})
    before = {p for p in tmp_path.rglob("*") if "copy.sqlite3" not in p.name}
    assert set(take(reference, path).values()) == {"taken"}
    assert {p for p in tmp_path.rglob("*") if "copy.sqlite3" not in p.name} == before
    assert not Path("/etc/absolute.xml").exists()
