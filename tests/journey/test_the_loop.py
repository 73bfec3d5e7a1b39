"""The canvasser's loop: found in the census, due on the phone, visited again, gone from the list.

A running server, phones that behave as ODK Collect does, and the engine inside Collect for both forms, with the entity
lists that the server hands out to each of them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mapper.geo.approximate import approximate_set
from mapper.services import accounts, boundaries, follow_up, publish, rebuilding
from mapper.settings import Settings
from mapper.store import schema
from mapper.store.database import Database
from tests.client.collect import Collect, Fault, FilledForm, LocalForm, ServerFault
from tests.client.local_entities import LocalEntities, Row, own_version
from tests.client.site import Site, running
from tests.engine.census import adult, vaccinated
from tests.engine.javarosa import TIME_ZONE, Entry, Form, JavaRosa

pytestmark = [pytest.mark.today, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]
TODAY = datetime.now(ZoneInfo(TIME_ZONE)).date()
DAY = timedelta(days=1)
HAMLET, OTHER = "0196901", "0196902"
AT_THE_DOOR = (22.2851, 105.9003, 310.0, 8.5)
FIRST = {"dose_number": "1", "evidence": "paper_card", "vaccine": "pfizer", "dose_date": TODAY - 90 * DAY}
SECOND = {"dose_number": "2", "evidence": "paper_card", "vaccine": "pfizer", "dose_date": TODAY}
CENSUS, REVISIT = "covid19_census", "covid19_revisit"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with the sample's communes and the forms of the campaign."""
    folder = tmp_path_factory.mktemp("loop")
    url = f"sqlite:///{folder / 'loop.sqlite3'}"
    database = Database(url)
    schema.upgrade(database)
    database.close()
    with running(Settings(data_dir=folder), url) as site:
        file = folder / "communes.geojson"
        file.write_bytes(
            approximate_set(ROOT / "geodata/bach_thong_communes.csv", ROOT / "geodata/bach_thong_outline.geojson")
        )
        boundaries.import_file(site.reference, file, boundaries.SetFacts("communes", approximate=True))
        publish.publish(site.reference, ROOT / "forms" / "covid19")
        yield site


@dataclass
class Phone:
    """A canvasser's phone: its line, its forms with their lists, and what waits to be sent."""

    line: Collect
    engine: JavaRosa
    entities: LocalEntities = field(default_factory=LocalEntities)
    outbox: list[FilledForm] = field(default_factory=list)

    def fetch(self) -> None:
        """In signal: forms and lists anew."""
        self.line.match_exactly()
        for form in self.line.forms.values():
            for name in ("households.csv", "people.csv"):
                if name in form.media:
                    self.entities.take(name, form.media[name])

    def form(self, form_id: str) -> Form:
        """A form as it opens now, without any line."""
        form = self.local(form_id)
        lists = {name: self.entities.csv(name) for name in form.media if name in self.entities.columns}
        return self.engine.load(form.xform, {**form.media, **lists})

    def local(self, form_id: str) -> LocalForm:
        """A form as it came."""
        (form,) = [form for (known, _), form in self.line.forms.items() if known == form_id]
        return form

    def finish(self, entry: Entry, form_id: str = REVISIT) -> bytes:
        """Finish a form; it waits to be sent, and what it says of entities holds on this phone."""
        xml = entry.finalise()
        self.outbox.append(FilledForm(f"{len(self.outbox)}.xml", xml))
        self.entities.finish(xml, self.local(form_id).xform)
        return xml

    def send(self) -> list[int]:
        """Everything that waits; the last status of each."""
        found = [self.line.send(form, tries=12).statuses[-1] for form in self.outbox]
        self.outbox.clear()
        return found

    def house(self, number: str) -> Row:
        """The row of a house on this phone."""
        (row,) = [row for row in self.entities.rows["households.csv"].values() if row["house_number"] == number]
        return row

    def person(self, name: str) -> Row:
        """The row of a person on this phone."""
        (row,) = [row for row in self.entities.rows["people.csv"].values() if row["person_name"] == name]
        return row


@pytest.fixture
def handed_out(office: Site) -> Iterator[Any]:
    """Gives out phones, each to a canvasser of one hamlet."""
    engine = JavaRosa()

    def hand_out(hamlet: str = HAMLET, **options: Any) -> Phone:
        phone = Phone(office.phone(office.user("canvasser", hamlet).token, **options), engine)
        phone.fetch()
        return phone

    yield hand_out


def census(phone: Phone, number: str, people: list[dict[str, object]], hamlet: str = HAMLET) -> bytes:
    """A house of that number is interviewed."""
    entry = phone.form(CENSUS).new()
    entry.fill({"commune": "01969", "hamlet": hamlet, "house_number": number, "location": AT_THE_DOOR})
    entry.fill({"outcome": "interviewed", "head": "Nông Thị Mỷ", "expected_members": len(people), "person": people})
    return phone.finish(entry, CENSUS)


def at(phone: Phone, house: str, outcome: str = "interviewed") -> Entry:
    """At the door of a house, also one that was just visited, its people on the screens to come."""
    answers = {"hamlet": HAMLET, "find_by": "all", "house_listed": house, "outcome": outcome}
    entry = phone.form(REVISIT).new().fill(answers)
    for _ in range(int(entry.value("member_count") or 0)):
        entry.add("member")
    return entry


def still_to_go_to(phone: Phone) -> dict[str, str]:
    """Houses that the form offers first."""
    return phone.form(REVISIT).new().answer("hamlet", HAMLET).choices("house_listed")


def gives(entry: Entry, dose: dict[str, object], member: int = 1) -> Entry:
    """A dose given since is entered for a person."""
    entry.answer("about", ["dose"], member=member)
    number = entry.add("dose", member=member)
    for name, answer in dose.items():
        entry.answer(name, answer, member=member, dose=number)
    return entry


def vaccinated_now(office: Site, dose: str) -> int:
    """Adults of the first hamlet who hold a dose today, as a program reads it."""
    reader = office.user("planner").token
    asked = {"campaign": "covid19", "group": "18_plus", "dose": dose, "level": "hamlet", "date": TODAY.isoformat()}
    answer = office.get("/api/coverage", reader, **asked)
    assert answer.status_code == 200, answer.text
    return sum(unit["vaccinated"] for unit in answer.json()["units"] if unit["code"] == HAMLET)


def test_who_is_due_comes_to_the_phone_of_the_hamlet_and_goes_once_vaccinated(office: Site, handed_out: Any) -> None:
    phone, elsewhere = handed_out(), handed_out(OTHER)
    before = vaccinated_now(office, "2")
    census(phone, "loop-1", [vaccinated(FIRST) | {"person_name": "Nông Thị Vòng"}])
    assert phone.send() == [201]
    phone.fetch()
    house, person = phone.house("loop-1"), phone.person("Nông Thị Vòng")
    assert (house["state"], person["state"], person["due"]) == ("someone_due", "due", "2")
    assert person["household"] == house["name"]
    elsewhere.fetch()
    assert house["name"] not in elsewhere.entities.rows["households.csv"]
    assert person["name"] not in elsewhere.entities.rows["people.csv"]

    assert house["name"] in still_to_go_to(phone)
    phone.finish(gives(at(phone, house["name"]), SECOND))
    assert house["name"] not in still_to_go_to(phone), "gone at once, before anything was sent"
    assert phone.send() == [201]
    phone.fetch()
    assert house["name"] not in still_to_go_to(phone), "gone for good: nobody there is due now"
    assert (phone.house("loop-1")["state"], phone.person("Nông Thị Vòng")["due"]) != ("someone_due", "2")
    assert phone.person("Nông Thị Vòng")["state"] in ("waiting", "done")
    assert own_version(phone.house("loop-1")) == "2"
    assert vaccinated_now(office, "2") == before + 1


def test_who_is_deferred_comes_back_on_the_very_day(office: Site, handed_out: Any) -> None:
    phone = handed_out()
    census(phone, "loop-2", [vaccinated(FIRST) | {"person_name": "Hoàng Văn Hoãn"}])
    phone.send()
    phone.fetch()
    entry = at(phone, phone.house("loop-2")["name"])
    entry.answer("about", ["deferral"], member=1)
    for name, answer in {"deferred": "yes", "deferred_on": TODAY + 3 * DAY, "deferral_reason": "treatment"}.items():
        entry.answer(name, answer, member=1)
    phone.finish(entry)
    assert phone.send() == [201]
    phone.fetch()
    row = phone.person("Hoàng Văn Hoãn")
    assert (row["state"], row["deferred_until"]) == ("deferred", (TODAY + 3 * DAY).isoformat())
    assert states_of(office, row["name"]) == ["deferred", "deferred", "deferred", "due"]


def states_of(office: Site, person_id: str) -> list[str]:
    """A person's state on four days from today on."""
    found = []
    user = accounts.by_id(office.reference, office.user("administrator").id)
    assert user is not None
    for number in range(4):
        houses = follow_up.households(office.reference, user, "covid19", TODAY + number * DAY)
        (one,) = [one for house in houses for one in house.people if one.person.id == person_id]
        found.append(str(one.status.state))
    return found


def orders() -> list[tuple[int, ...]]:
    """Every order in which four submissions can be sent."""
    return list(itertools.permutations(range(4)))


@pytest.mark.parametrize("order", orders(), ids=lambda order: "".join(map(str, order)))
def test_a_house_made_and_updated_offline_ends_right_whatever_is_sent_first(
    office: Site, handed_out: Any, order: tuple[int, ...]
) -> None:
    """One phone makes a house without a line and updates it three times; replies are lost on the way."""
    faults = itertools.cycle([Fault.LOST_REPLY, Fault.NONE])
    phone = handed_out(bad_line=lambda: next(faults))
    number = f"order-{''.join(map(str, order))}"
    people = [vaccinated(FIRST) | {"person_name": f"Lý Thị {number}"}, adult(person_name="Lý Văn Bố")]
    for one in people:
        one["person_name"] = re.sub(r"[0-9-]+", " ", str(one["person_name"])).strip()
    made = [census(phone, number, people)]
    house = phone.house(number)["name"]
    made.append(phone.finish(gives(at(phone, house), SECOND)))
    refusing = at(phone, house)
    refusing.answer("about", ["consent"], member=2)
    refusing.answer("consent", "no", member=2)
    refusing.answer("refusal_reason", "far", member=2)
    made.append(phone.finish(refusing))
    made.append(phone.finish(at(phone, house, "absent")))
    assert [re.findall(rb'baseVersion="(\d*)"', xml)[-1:] for xml in made[1:]] == [[b"1"], [b"2"], [b"3"]]

    waiting = list(phone.outbox)
    phone.outbox = [waiting[place] for place in order]
    statuses = phone.send()
    assert set(statuses) <= {201, 202}
    assert statuses.count(201) >= 1
    phone.fetch()
    row = phone.house(number)
    assert (own_version(row), row["outcome"]) == ("4", "interviewed")
    people_now = [one for one in phone.entities.rows["people.csv"].values() if one["household"] == house]
    assert sorted(one["state"] for one in people_now) == ["refused", "waiting"]
    for xml in made:
        found = re.search(rb"instanceID>(uuid:[0-9a-f-]+)<", xml)
        assert found and office.state(found[1].decode()) == "processed"


def test_the_register_after_all_this_is_that_of_a_rebuild(office: Site) -> None:
    names = ("households", "people", "doses", "tallies", "house_tallies")
    before = office.rows(*names)
    assert len(before["households"]) >= 20
    rebuilding.rebuild(office.reference)
    assert office.rows(*names) == before


def test_a_list_is_for_its_own_phone_alone(office: Site, handed_out: Any) -> None:
    phone, elsewhere = handed_out(), handed_out(OTHER)
    for file in phone.line.manifest(phone.local(REVISIT).listed):
        if file.filename in ("households.csv", "people.csv"):
            path = file.download_url.rpartition("/forms/")[2]
            content = elsewhere.line._get(f"{elsewhere.line.server_url}/forms/{path}").content
            assert b"loop-1" not in content and HAMLET.encode() not in content
    with pytest.raises(ServerFault, match="403"):
        phone.line._get(f"{office.url}/key/nobody/formList")
