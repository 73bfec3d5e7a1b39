"""Many at the same moment, on both databases: nothing is lost, nothing counted twice, nobody waits for ever."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence

from mapper.services import accounts, rebuilding
from mapper.services.reference import Reference
from mapper.store import tallies
from mapper.store.database import Database
from tests.services.town import COMMUNES, HAMLETS, Town, person


def all_at_once(jobs: Sequence[Callable[[], object]], threads: int = 6) -> list[BaseException]:
    """Do the jobs from several threads; what they raised."""
    faults: list[BaseException] = []
    waiting = list(reversed(jobs))

    def work() -> None:
        while True:
            try:
                job = waiting.pop()
            except IndexError:
                return
            try:
                job()
            except BaseException as fault:
                faults.append(fault)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return faults


def edited_families(town: Town) -> list[bytes]:
    """Five households, each visited twice, each visit edited twice, one edit moving to the next household."""
    xmls = []
    for number in range(5):
        for visit in range(2):
            first, second, third = (f"uuid:{number}{visit}{edit}" for edit in range(3))
            here, there = f"house-{number}", f"house-{(number + 1) % 5}"
            xmls += [
                town.write(people=[person()], instance=first, entity=here),
                town.write(people=[person()] * 2, instance=second, edits=first, entity=there, commune=1),
                town.write(people=[person()] * 3, instance=third, edits=second, entity=here),
            ]
    return xmls


def check_rebuild(town: Town, submissions: int) -> None:
    """What the crowd left is what counting anew gives."""
    states, kept = town.states(), town.everything()
    assert len(states) == submissions
    assert set(states.values()) <= {"processed", "superseded"}, states
    rebuilding.rebuild(town.reference)
    assert town.states() == states
    assert town.everything() == kept


def test_phones_that_send_at_once_are_all_counted(town: Town) -> None:
    xmls = [town.write(people=[person()] * 2, commune=n % 3) for n in range(30)]
    assert all_at_once([lambda xml=xml: town.send(xml) for xml in xmls]) == []  # type: ignore[misc]
    total = town.ask().total
    assert (total.houses.visited, total.people) == (30, 60)
    check_rebuild(town, 30)


def test_ten_copies_at_once_count_once(town: Town) -> None:
    xml = town.write(people=[person()])
    receipts = []
    assert all_at_once([lambda: receipts.append(town.send(xml))] * 10, 10) == []
    assert sum(receipt.new for receipt in receipts) == 1
    assert all(receipt.counted for receipt in receipts)
    assert town.ask().total.people == 1


def test_visits_edits_and_originals_of_the_same_households_at_once(town: Town) -> None:
    xmls = edited_families(town)
    random.Random(7).shuffle(xmls)
    assert all_at_once([lambda xml=xml: town.send(xml) for xml in xmls]) == []  # type: ignore[misc]
    assert (town.ask().total.houses.visited, town.ask().total.people) == (5, 15)
    check_rebuild(town, 30)


def test_a_rebuild_while_phones_send_ends_with_the_same_figures(town: Town) -> None:
    for number in range(20):
        town.send(town.write(people=[person()], entity=f"house-{number}"))
    xmls = [town.write(people=[person()] * 2, entity=f"house-{number}", commune=1) for number in range(10, 30)]
    jobs: list[Callable[[], object]] = [lambda xml=xml: town.send(xml) for xml in xmls]  # type: ignore[misc]
    for place in (5, 10, 15):
        jobs.insert(place, lambda: rebuilding.rebuild(town.reference, batch=5))
    assert all_at_once(jobs) == []
    assert (town.ask().total.houses.visited, town.ask().total.people) == (30, 50)
    check_rebuild(town, 40)


def test_a_boundary_set_imported_while_phones_send_holds_every_household(town: Town) -> None:
    xmls = [town.write(people=[person()], commune=n % 5) for n in range(20)]
    jobs: list[Callable[[], object]] = [lambda xml=xml: town.send(xml) for xml in xmls]  # type: ignore[misc]
    jobs.insert(8, town.import_strips)
    assert all_at_once(jobs) == []
    strips = {unit.code: unit.people for unit in town.ask(set_id="strips").units if unit.people}
    # the communes 0 and 1 lie in X, 2 on the border counts there too, 3 and 4 lie in Y
    assert strips == {"X": 12, "Y": 8}
    check_rebuild(town, 20)


def test_readers_see_whole_figures_while_others_write(town: Town) -> None:
    xmls = [town.write(people=[person()] * 3, commune=n % 4) for n in range(24)]
    seen: list[tuple[int, int, int]] = []

    def look() -> None:
        total = town.ask("hamlet").total
        seen.append((total.houses.visited, total.people, sum(total.states.values())))

    jobs: list[Callable[[], object]] = []
    for xml in xmls:
        jobs += [lambda xml=xml: town.send(xml), look]  # type: ignore[misc]
    assert all_at_once(jobs) == []
    assert all(people == 3 * visited == states for visited, people, states in seen), seen


def test_two_processes_count_into_the_same_figures(town: Town) -> None:
    # two servers: each with connections and a memory of its own
    other = Database(town.reference.database.engine.url.render_as_string(hide_password=False))
    there = Town(Reference(other), town.files, numbers=1000)
    xmls = [town.write(people=[person()], entity=f"house-{n % 6}", commune=n % 7) for n in range(24)]
    jobs = [lambda xml=xml, at=at: at.send(xml) for xml, at in zip(xmls, [town, there] * 12, strict=True)]  # type: ignore[misc]
    assert all_at_once(jobs) == []
    assert town.ask("hamlet") == there.ask("hamlet")
    assert town.ask().total.houses.visited == 6
    other.close()
    check_rebuild(town, 24)


def test_a_server_learns_of_what_another_publishes_or_imports(town: Town) -> None:
    other = Database(town.reference.database.engine.url.render_as_string(hide_password=False))
    there = Town(Reference(other), town.files, numbers=1000)
    there.send(there.write(people=[person()], commune=3))
    town.import_strips()
    assert there.ask(set_id="strips").total.people == 1
    assert there.send(there.write(people=[person()], commune=4)).counted
    assert {unit.code: unit.people for unit in town.ask(set_id="strips").units if unit.people} == {"Y": 2}
    other.close()


def test_a_place_whose_number_was_given_before_another_but_kept_after_it_has_its_figures(town: Town) -> None:
    database = town.reference.database
    if database.is_sqlite:
        return  # one writer at a time: numbers are kept in the order they are given
    with database.write() as slow:
        tallies.cell(database, slow, HAMLETS[5][0], COMMUNES[5], {"squares": COMMUNES[5]})
        town.send(town.write(people=[person()], commune=1))
        assert town.ask().total.people == 1
    town.send(town.write(people=[person()], commune=5))
    assert {unit.code: unit.people for unit in town.ask().units if unit.people} == {COMMUNES[1]: 1, COMMUNES[5]: 1}
    accounts.add_user(town.reference, "south", "supervisor", ["S"])
    south = accounts.by_name(town.reference, "south")
    assert south is not None
    assert town.ask(user=south).total.people == 2
