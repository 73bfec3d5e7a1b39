"""Drafts of the real census: what their phones get, whom it concerns, and which campaign they bring along."""

from __future__ import annotations

import csv
import hashlib
import io

import pytest

from mapper.errors import Conflict, Forbidden, NotFound
from mapper.services import accounts, drafts, form_life, publish, submission_page, trials
from mapper.services.accounts import User
from mapper.store.drafts import Draft
from tests.client.site import CAMPAIGN, CHOICES, COMMUNES, SURVEY, workbook
from tests.client.site import HAMLETS as HAMLET_LIST
from tests.services.town import FORMS, HAMLETS, Town, person

REVISIT = "covid19_revisit"
CENSUS = "covid19_census"


def manager(town: Town) -> User:
    accounts.add_user(town.reference, "quản trị", "administrator", ())
    found = accounts.by_name(town.reference, "quản trị")
    assert found is not None
    return found


def folder(name: str = "covid19") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (FORMS / name).iterdir() if path.is_file()}


def tried(town: Town, user: User, form_id: str) -> Draft:
    token = drafts.draft_page(town.reference, user, form_id, "vi").token
    return trials.by_token(town.reference, token)


def test_a_whole_folder_becomes_drafts_and_nothing_is_published(sqlite_town: Town) -> None:
    town, user = sqlite_town, manager(sqlite_town)
    before = publish.offered_forms(town.reference)
    assert set(drafts.make(town.reference, user, folder())) >= {CENSUS}
    assert publish.offered_forms(town.reference) == before
    page = drafts.draft_page(town.reference, user, CENSUS, "vi")
    assert page.campaign
    assert not page.taken
    assert page.changes == ()


def test_a_trial_s_entity_lists_hold_invented_houses_alone(sqlite_town: Town) -> None:
    town, user = sqlite_town, manager(sqlite_town)
    town.send(town.write({"household.head": "Nông Văn Nam"}, [person()]))
    drafts.make(town.reference, user, folder())
    draft = tried(town, user, REVISIT)
    files = {file.name: file for file in trials.trial_files(town.reference, draft)}
    assert {name for name, file in files.items() if file.entity_list} == {"households.csv", "people.csv"}
    for name, file in files.items():
        content = trials.media_content(town.reference, draft, name)
        assert hashlib.md5(content, usedforsecurity=False).hexdigest() == file.md5, name
        assert "Nông Văn Nam".encode() not in content
    houses = list(csv.DictReader(io.StringIO(trials.media_content(town.reference, draft, "households.csv").decode())))
    people = list(csv.DictReader(io.StringIO(trials.media_content(town.reference, draft, "people.csv").decode())))
    assert [house["head"] for house in houses] == ["Nhà Thử Một", "Nhà Thử Hai"]
    assert {person["household"] for person in people} == {houses[0]["name"]}
    assert {house["hamlet"] for house in houses} <= {code for hamlets in HAMLETS for code in hamlets}
    assert all(row["__version"] == "1" for row in [*houses, *people])


TWO_DOSES = CAMPAIGN.replace("[vaccines]", '2 = { vi = "Mũi 2", en = "Dose 2" }\n[vaccines]')


def mini(survey: str, form_id: str, toml: str = TWO_DOSES) -> dict[str, bytes]:
    """A folder of the small campaign with one form."""
    texts = {"campaign.toml": toml, "communes.csv": COMMUNES, "hamlets.csv": HAMLET_LIST}
    return {f"{form_id}.xlsx": workbook(form_id, form_id, "1", survey, CHOICES)} | {
        name: text.encode() for name, text in texts.items()
    }


def test_a_draft_whose_campaign_no_longer_fits_another_form_is_not_published(sqlite_town: Town) -> None:
    town, user = sqlite_town, manager(sqlite_town)
    second = SURVEY.replace("dose.date@1", "dose.date@2")
    drafts.make(town.reference, user, mini(SURVEY, "one") | mini(second, "two"))
    for form_id in ("one", "two"):
        page = drafts.draft_page(town.reference, user, form_id, "vi")
        assert drafts.publish_draft(town.reference, user, form_id, page.md5).campaign_id == "mini"
    # A campaign without the second dose would leave what the form "two" asks for counting nowhere.
    drafts.make(town.reference, user, mini(SURVEY, "one", CAMPAIGN))
    md5 = drafts.draft_page(town.reference, user, "one", "vi").md5
    with pytest.raises(Conflict, match="does not fit the form two"):
        drafts.publish_draft(town.reference, user, "one", md5)
    form_life.close(town.reference, user, "two")
    assert drafts.publish_draft(town.reference, user, "one", md5).campaign_id == "mini"


def test_a_supervisor_s_hand_stays_off_drafts(sqlite_town: Town) -> None:
    town, user = sqlite_town, manager(sqlite_town)
    accounts.add_user(town.reference, "huyện", "supervisor", ["S"])
    supervisor = accounts.by_name(town.reference, "huyện")
    assert supervisor is not None
    drafts.make(town.reference, user, folder())
    for refused in (
        lambda: drafts.make(town.reference, supervisor, folder()),
        lambda: drafts.draft_page(town.reference, supervisor, CENSUS, "vi"),
        lambda: drafts.publish_draft(town.reference, supervisor, CENSUS, ""),
        lambda: drafts.delete(town.reference, supervisor, CENSUS),
        lambda: drafts.delete_tried(town.reference, supervisor, CENSUS),
    ):
        with pytest.raises(Forbidden):
            refused()
    drafts.delete(town.reference, user, CENSUS)
    with pytest.raises(NotFound):
        drafts.delete(town.reference, user, CENSUS)


def test_a_token_of_no_draft_opens_none(sqlite_town: Town) -> None:
    with pytest.raises(Forbidden):
        trials.by_token(sqlite_town.reference, "")
    with pytest.raises(Forbidden):
        trials.by_token(sqlite_town.reference, "x" * 43)


def test_the_same_page_is_told_in_english_where_the_form_has_it(sqlite_town: Town) -> None:
    town, user = sqlite_town, manager(sqlite_town)
    town.send(town.write({}, [person()], instance="uuid:1"))
    vietnamese = submission_page.submission_page(town.reference, user, "uuid:1", "vi")
    english = submission_page.submission_page(town.reference, user, "uuid:1", "en")
    assert [line.answer.value for line in vietnamese.lines] == [line.answer.value for line in english.lines]
    assert {line.answer.label for line in vietnamese.lines if line.asked} != {
        line.answer.label for line in english.lines if line.asked
    }


def test_a_draft_replaced_while_it_is_published_stays(sqlite_town: Town) -> None:
    town, user = sqlite_town, manager(sqlite_town)
    drafts.make(town.reference, user, folder())
    with pytest.raises(Conflict):
        drafts.publish_draft(town.reference, user, CENSUS, "0" * 32)
    assert drafts.draft_page(town.reference, user, CENSUS, "vi").form_id == CENSUS
