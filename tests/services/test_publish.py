"""A folder becomes form versions for the phones: all of it or nothing, and a version once out stays as it is."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from mapper.errors import Conflict, InvalidCampaign, InvalidForm, InvalidInput, MapperError, NotFound
from mapper.formats import validate
from mapper.services import boundaries, publish, review, set_periods
from mapper.services.accounts import OPERATOR
from mapper.services.boundaries import SetFacts
from mapper.services.publish import OfferedForm
from mapper.store import reference as kept
from tests.formats.forms import workbook
from tests.services.town import CHANGE, COMMUNES, EVERYTHING, Town, feature, feature_file, person

SETTINGS = """
| settings |
|          | form_id | form_title | version   | namespaces                         |
|          | visit   | Visit      | {version} | map="urn:household-coverage:roles" |
"""
SURVEY = """
| survey   |                             |        |          |                   |
|          | type                        | name   | label    | bind::map:role    |
|          | today                       | today  |          | visit.date        |
|          | select_one_from_file thôn.csv  | hamlet | {label}  | household.hamlet  |
|          | image                       | photo  | Photo    |                   |
|          | begin_repeat                | member | Member   | person            |
|          | date                        | born   | Born     | person.birth_date |
|          | select_one known           | given  | Given    | dose.vaccine@1    |
|          | end_repeat                  |        |          |                   |
| choices  |
|          | list_name                   | name   | label    |
|          | known                       | x      | X        |
"""
PLAIN = """
| survey   |      |       |        |
|          | type | name  | label  |
|          | text | words | {label} |
| settings |
|          | form_id | version |
|          | plain   | 1       |
"""
CAMPAIGN = """
id = "small"
label = { vi = "Nhỏ", en = "Small" }
start = 2022-01-01
hamlets = "thôn.csv"
[doses]
1 = "1"
[vaccines]
x = "X"
[[groups]]
code = "all"
label = "All"
[[groups.doses]]
dose = "1"
"""
AGAIN = "| | select_one_from_file {list}.csv | again | Again | |\n"
"""A row of the survey that chooses from a list."""
ENTITIES = """
| entities |
|          | list_name | label    |
|          | {list}    | ${{photo}} |
"""
LIST = "name,label,commune,households\nV1,Thôn 1,C,10\nV2,Thôn 2,C,\n"


def visit(version: str = "1", label: str = "Hamlet") -> bytes:
    return workbook((SURVEY + SETTINGS).format(version=version, label=label))


def plain(label: str = "Words") -> bytes:
    return workbook(PLAIN.format(label=label))


@lru_cache
def checked(xform: bytes) -> tuple[str, ...]:
    """The deep check takes a second, so it runs once for each form here and not at every publishing."""
    return validate.check(xform)


@pytest.fixture(autouse=True)
def every_form_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real = SimpleNamespace(check=lambda xform, _workbook: checked(xform))
    monkeypatch.setattr(publish, "validate", real)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small campaign with its form, its list, and a second form without roles."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "visit.xlsx").write_bytes(visit())
    (folder / "campaign.toml").write_text(CAMPAIGN)
    (folder / "thôn.csv").write_text(LIST)
    return folder


def offered(town: Town) -> dict[str, OfferedForm]:
    return {form.form_id: form for form in publish.offered_forms(town.reference)}


def submission(version: str, instance: str) -> bytes:
    return (
        f'<data id="visit" version="{version}"><today>2022-08-15</today><hamlet>V1</hamlet>'
        f"<member><born>1980-01-01</born></member><meta><instanceID>{instance}</instanceID></meta></data>"
    ).encode()


def test_a_folder_is_published_whole_and_phones_are_offered_its_forms(town: Town, folder: Path) -> None:
    (folder / "plain.xlsx").write_bytes(plain())
    (folder / "~$visit.xlsx").write_bytes(b"left by a spreadsheet program")
    named: list[str] = []
    made = publish.publish(town.reference, folder, named.append)
    assert named == ["plain.xlsx", "visit.xlsx"]
    assert (made.campaign_id, made.counted) == ("small", 0)
    assert [(form.form_id, form.version, form.change) for form in made.forms] == [
        ("plain", "1", "new"),
        ("visit", "1", "new"),
    ]
    forms = offered(town)
    assert set(forms) == {"covid19_census", "covid19_revisit", "measles_children", "water_points", "plain", "visit"}
    content = publish.form_xml(town.reference, "visit", "1")
    assert forms["visit"].md5 == hashlib.md5(content).hexdigest()
    assert (forms["visit"].title, forms["visit"].has_media, forms["plain"].has_media) == ("Visit", True, False)
    (media,) = publish.form_media(town.reference, "visit", "1")
    assert (media.name, media.md5) == ("thôn.csv", hashlib.md5(LIST.encode()).hexdigest())
    assert publish.media_content(town.reference, "visit", "1", "thôn.csv") == LIST.encode()
    with town.reference.database.read() as connection:
        known = town.reference.known(connection)
        assert {code: known.hamlets[code].households for code in ("V1", "V2")} == {"V1": 10, "V2": None}
        assert list(known.campaigns) == ["covid19", "measles", "small"]
        assert kept.form(connection, "plain", "1").campaign_id is None  # type: ignore[union-attr]
        assert kept.form(connection, "visit", "1").campaign_id == "small"  # type: ignore[union-attr]


def test_publishing_again_changes_media_alone_under_the_same_version(sqlite_town: Town, folder: Path) -> None:
    publish.publish(sqlite_town.reference, folder)
    before = publish.form_xml(sqlite_town.reference, "visit", "1")
    assert [form.change for form in publish.publish(sqlite_town.reference, folder).forms] == ["same"]
    (folder / "thôn.csv").write_text(LIST.replace("V1,Thôn 1,C,10", "V1,Thôn 1,C,12"))
    assert [form.change for form in publish.publish(sqlite_town.reference, folder).forms] == ["media"]
    assert b"C,12" in publish.media_content(sqlite_town.reference, "visit", "1", "thôn.csv")
    assert publish.form_xml(sqlite_town.reference, "visit", "1") == before
    with sqlite_town.reference.database.read() as connection:
        assert sqlite_town.reference.known(connection).hamlets["V1"].households == 12


def test_a_version_with_other_questions_is_a_conflict_and_nothing_of_the_folder_is_published(
    town: Town, folder: Path
) -> None:
    publish.publish(town.reference, folder)
    (folder / "visit.xlsx").write_bytes(visit(label="Another hamlet"))
    (folder / "plain.xlsx").write_bytes(plain())
    (folder / "campaign.toml").write_text(CAMPAIGN.replace("Nhỏ", "Khác"))
    (folder / "thôn.csv").write_text(LIST.replace("10", "99"))
    before = publish.form_xml(town.reference, "visit", "1")
    with pytest.raises(Conflict) as refusal:
        publish.publish(town.reference, folder)
    assert str(refusal.value) == (
        "Version 1 of form visit is already published with other content. "
        "Give visit.xlsx a higher version in its settings sheet."
    )
    assert "plain" not in offered(town)
    assert publish.form_xml(town.reference, "visit", "1") == before
    with town.reference.database.read() as connection:
        known = town.reference.known(connection)
        assert known.campaigns["small"].label["vi"] == "Nhỏ"
        assert known.hamlets["V1"].households == 10


def test_a_new_version_is_offered_and_the_old_one_is_still_there_and_counts(town: Town, folder: Path) -> None:
    publish.publish(town.reference, folder)
    first = publish.form_xml(town.reference, "visit", "1")
    early = town.send(submission("2", "uuid:early"))
    assert not early.counted
    (folder / "visit.xlsx").write_bytes(visit("2", label="Another hamlet"))
    made = publish.publish(town.reference, folder)
    assert ([form.change for form in made.forms], made.counted) == (["new"], 1)
    assert offered(town)["visit"].version == "2"
    assert publish.form_xml(town.reference, "visit", "1") == first
    assert publish.media_content(town.reference, "visit", "1", "thôn.csv") == LIST.encode()
    assert town.send(submission("1", "uuid:late")).counted
    assert review.troubled(town.reference, EVERYTHING) == []
    total = town.ask(campaign="small", group="all", dose="1").total
    assert (total.houses.visited, total.people) == (2, 2)


def test_an_old_version_published_again_is_offered_again(sqlite_town: Town, folder: Path) -> None:
    for version, label in (("1", "Hamlet"), ("2", "Another hamlet"), ("1", "Hamlet")):
        (folder / "visit.xlsx").write_bytes(visit(version, label))
        publish.publish(sqlite_town.reference, folder)
    assert offered(sqlite_town)["visit"].version == "1"


def test_what_is_not_published_is_not_found(sqlite_town: Town) -> None:
    reference = sqlite_town.reference
    with pytest.raises(NotFound, match="Form covid19_census has no version 7 here"):
        publish.form_xml(reference, "covid19_census", "7")
    with pytest.raises(NotFound, match="Form nowhere has no version 1 here"):
        publish.form_media(reference, "nowhere", "1")
    with pytest.raises(NotFound, match=r"Form water_points has no file a\.csv"):
        publish.media_content(reference, "water_points", "3", "a.csv")


# Folders that cannot be published


def without(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def with_file(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (
            without("thôn.csv"),
            InvalidForm,
            "campaign.toml asks for the file thôn.csv, which is not beside it. Put it into the folder.",
        ),
        (
            with_file("campaign.toml", CAMPAIGN.replace('hamlets = "thôn.csv"', "").encode()),
            None,
            "",
        ),
        (
            without("campaign.toml"),
            InvalidForm,
            "visit.xlsx declares roles, but there is no campaign.toml beside it to say what they count for.",
        ),
        (without("visit.xlsx"), InvalidForm, "holds no XLSForm (a file that ends in .xlsx)."),
        (
            with_file("campaign.toml", CAMPAIGN.replace('x = "X"', 'y = "Y"').encode()),
            InvalidCampaign,
            "visit: the choice x of",
        ),
        (with_file("campaign.toml", b'id = "small'), InvalidCampaign, "campaign.toml is not valid TOML"),
        (
            with_file("campaign.toml", CAMPAIGN.encode("utf-16")),
            InvalidCampaign,
            "campaign.toml is not in UTF-8. Save it as UTF-8 and publish again.",
        ),
        (with_file("thôn.csv", b"name;label;commune\n"), InvalidInput, "separated by semicolons"),
        (with_file("visit.xlsx", b"no workbook"), InvalidForm, "visit.xlsx"),
    ],
)
def test_a_folder_with_something_wrong_is_refused_with_the_cure(
    folder: Path, spoil: Callable[[Path], object], error: type[MapperError] | None, says: str
) -> None:
    spoil(folder)
    if error is None:
        assert publish.read_folder(folder)[2] == ()
        return
    with pytest.raises(error) as refusal:
        publish.read_folder(folder)
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("person.birth_date", "person.birthdate", "Sheet survey, row 6, question born: the role person.birthdate is"),
        ("household.hamlet ", "visit.date ", "Sheet survey, rows 2, 3: the questions today and hamlet both have the"),
        ("| person  ", "| dose  ", "Sheet survey: the form declares roles but no repeat has the role person."),
        (
            "dose.vaccine@1   ",
            "household.point  ",
            "Sheet survey, row 7, question given: household.point stands",
        ),
    ],
)
def test_a_wrong_role_is_told_with_its_row(folder: Path, right: str, wrong: str, says: str) -> None:
    (folder / "visit.xlsx").write_bytes(
        workbook((SURVEY + SETTINGS).replace(right, wrong).format(version="1", label="Hamlet"))
    )
    with pytest.raises(InvalidForm) as refusal:
        publish.read_folder(folder)
    assert str(refusal.value).startswith(says)


def test_media_that_a_form_asks_for_are_named_where_they_lack(folder: Path) -> None:
    (folder / "campaign.toml").write_text(CAMPAIGN.replace('hamlets = "thôn.csv"', ""))
    (folder / "thôn.csv").unlink()
    with pytest.raises(InvalidForm, match=r"visit\.xlsx asks for the file thôn\.csv, which is not beside it"):
        publish.read_folder(folder)


def test_media_are_found_under_a_decomposed_name(folder: Path) -> None:
    # as some systems write the names of files copied to them
    name = unicodedata.normalize("NFC", "thôn.csv")
    (folder / name).rename(folder / unicodedata.normalize("NFD", name))
    _, _, hamlets, (form,) = publish.read_folder(folder)
    assert form.media == {name: LIST.encode()}
    assert [hamlet.code for hamlet in hamlets] == ["V1", "V2"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"There is no folder .*nowhere"):
        publish.read_folder(tmp_path / "nowhere")


def made_again(name: str) -> bytes:
    """The form of the small campaign, which makes the entities of a list and chooses from it."""
    survey = SURVEY.replace("|          | image ", AGAIN.format(list=name) + "|          | image ")
    return workbook((survey + SETTINGS).format(version="1", label="Hamlet") + ENTITIES.format(list=name))


def test_a_list_that_the_server_makes_is_no_file_beside_the_form(town: Town, folder: Path) -> None:
    survey = SURVEY.replace("|          | image ", AGAIN.format(list="small_households") + "|          | image ")
    (folder / "visit.xlsx").write_bytes(workbook((survey + SETTINGS).format(version="1", label="Hamlet")))
    with pytest.raises(InvalidForm, match=r"asks for the file small_households\.csv, which is not beside it"):
        publish.publish(town.reference, folder)
    (folder / "visit.xlsx").write_bytes(made_again("small_households"))
    publish.publish(town.reference, folder)
    assert [media.name for media in publish.form_media(town.reference, "visit", "1")] == ["thôn.csv"]


def test_a_list_that_the_server_does_not_know_wants_its_file(town: Town, folder: Path) -> None:
    (folder / "visit.xlsx").write_bytes(made_again("trees"))
    with pytest.raises(InvalidForm, match=r"asks for the file trees\.csv, which is not beside it"):
        publish.publish(town.reference, folder)
    (folder / "trees.csv").write_text("name,label\nt,T\n")
    publish.publish(town.reference, folder)
    assert [media.name for media in publish.form_media(town.reference, "visit", "1")] == ["thôn.csv", "trees.csv"]


def test_a_list_of_another_campaign_is_refused_with_a_better_name(town: Town, folder: Path) -> None:
    (folder / "visit.xlsx").write_bytes(made_again("households"))
    with pytest.raises(Conflict, match=r"belongs to the forms of campaign covid19.* Name it small_households"):
        publish.publish(town.reference, folder)
    assert "visit" not in offered(town)


def test_a_list_with_the_communes_of_another_set_is_refused_beside_households(sqlite_town: Town, folder: Path) -> None:
    town = sqlite_town
    later = [
        feature(105.0, 22.0, 105.25, 22.2, commune_code="C", commune_name="Xã C", province_code="Q"),
        feature(105.25, 22.0, 105.6, 22.2, commune_code=COMMUNES[0], commune_name="Xã E", province_code="Q"),
    ]
    set_periods.change(town.reference, OPERATOR, "squares", None, CHANGE - timedelta(days=1))
    facts = SetFacts("later", "2025", CHANGE)
    boundaries.import_file(town.reference, feature_file(town.files / "later.geojson", later), facts)
    same = LIST.replace(",C,", f",{COMMUNES[0]},")
    with town.reference.database.read() as connection:
        before = town.reference.known(connection)
    town.send(town.write({}, [person()], commune=0))
    with pytest.raises(Conflict, match=r"thôn\.csv has the commune codes of boundary set later.*those of squares"):
        publish.publish(town.reference, folder)
    with town.reference.database.read() as connection:
        known = town.reference.known(connection)
    assert "small" not in known.campaigns and (known.home, known.hamlets) == ("squares", before.hamlets)
    (folder / "thôn.csv").write_text(same)  # a code of either set is one of theirs
    assert publish.publish(town.reference, folder).campaign_id == "small"


def test_a_list_with_the_communes_of_another_set_is_taken_before_there_are_households(
    sqlite_town: Town, folder: Path
) -> None:
    later = [feature(105.0, 22.0, 105.6, 22.2, commune_code="C", commune_name="Xã C", province_code="Q")]
    file = feature_file(sqlite_town.files / "later.geojson", later)
    set_periods.change(sqlite_town.reference, OPERATOR, "squares", None, CHANGE - timedelta(days=1))
    boundaries.import_file(sqlite_town.reference, file, SetFacts("later", "2025", CHANGE))
    assert publish.publish(sqlite_town.reference, folder).campaign_id == "small"
