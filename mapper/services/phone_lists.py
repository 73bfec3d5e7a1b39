"""What one canvasser's phone is handed beside a form: lists of their own hamlets, households and people.

Everything is a function of a few things that are cheap to ask for (which areas, what has been counted there, which
day), so a phone that asks again where nothing changed is answered without making a list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from mapper.domain.campaign import Campaign
from mapper.domain.roles import Role
from mapper.errors import Conflict, NotFound, Unavailable, mark
from mapper.formats.entity_lists import (
    MAP,
    EntityList,
    cut,
    head_of,
    is_entity_id,
    is_map,
    served_lists,
    write_features,
    write_map,
    write_rows,
)
from mapper.formats.xform import XFormModel
from mapper.services import follow_up, invitations, listed, publish
from mapper.services.accounts import DRAWN, IDLE, User, as_user
from mapper.services.field_area import FieldArea, drawn_outlines, field_area, hamlets_met
from mapper.services.kept_lists import Made
from mapper.services.list_rounds import ListRounds
from mapper.services.list_words import Words
from mapper.services.reference import Known, Reference
from mapper.store import accounts, integrity, mendings, phone_rounds, submissions, tallies
from mapper.store import follow_up as kept_households
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.follow_up import HouseholdRow
from mapper.store.reference import Media

MANY = 5_000
"""More households than a phone can show in a list; from there on pages say so."""

_AT_ONCE = 1_000
"""Households worked on at a time, so that a list of 30,000 is never in memory but as its bytes."""

_PATIENCE = 2.0
"""Seconds that a phone's request waits for its turn to write."""

_FROZEN = -1
"""The round of lists that could not be kept: they are made again when they are asked for again."""

_REASONS = ("person.refusal_reason", "person.deferral_reason", "person.contraindication")
_PLACES = {"household.hamlet": "hamlet", "household.commune": "commune"}


@dataclass(frozen=True, slots=True)
class PhoneFile:
    """A file as the manifest names it for one user; md5 in hexadecimal, of the bytes that this user is served.

    entity_list: whether the phone keeps its rows as entities. campaign_id: whose households those are.
    """

    name: str
    md5: str
    entity_list: bool = False
    campaign_id: str | None = None


@dataclass(frozen=True, slots=True)
class FormFiles:
    """The files of a form version. lists: those that are made for each user. places: by file name, "hamlet" or
    "commune" and the column that holds its code, for lists of places that the form offers as choices. mapped: whether
    this form or a current one of its campaign asks for households as GeoJSON, so that it is made with the lists."""

    campaign_id: str | None
    media: Mapping[str, Media]
    lists: Mapping[str, EntityList] = field(default_factory=dict)
    places: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    mapped: bool = False


@dataclass(frozen=True, slots=True)
class ListTrouble:
    """houses: of the longest list that is longer than MANY, 0 for none. unlisted_houses, unlisted_people: how many of
    the area are on no phone's list, since their id is no UUID and a phone refuses a list with one such row whole. They
    come on the list with a census by a form that makes entities."""

    houses: int = 0
    unlisted_houses: int = 0
    unlisted_people: int = 0


def has_files(reference: Reference, form_id: str, version: str) -> bool:
    """Whether a form version has a manifest worth fetching."""
    with reference.database.read() as connection:
        files = _form_files(reference, connection, reference.known(connection), form_id, version)
    return bool(files.media or files.lists)


def files(
    reference: Reference, user: User, form_id: str, version: str, day: date, language: str = "vi"
) -> list[PhoneFile]:
    """The files of a form version as one user gets them, by name. Raises NotFound for an unknown version."""
    with reference.database.read() as connection:
        desk = _Desk(reference, connection, user, day, language)
        return sorted(desk.files(form_id, version), key=lambda file: file.name)


def content(
    reference: Reference,
    user: User,
    form_id: str,
    version: str,
    name: str,
    day: date,
    language: str = "vi",
    held: Callable[[str], bool] = lambda md5: False,
) -> tuple[str, bytes | None]:
    """One file as this user gets it: its MD5, hexadecimal, and its bytes.

    held: whether the phone has the file of an MD5 already; the bytes are then None. Raises NotFound.
    """
    with reference.database.read() as connection:
        desk = _Desk(reference, connection, user, day, language)
        file = next((file for file in desk.files(form_id, version, name) if file.name == name), None)
        if file is None:
            raise NotFound(mark("Form {form_id} has no file {name}."), form_id=form_id, name=name)
        if held(file.md5):
            return file.md5, None
        found = desk.content(form_id, version, name)
    return file.md5, found


def deleted(
    reference: Reference, user: User, form_id: str, version: str, name: str, entity_ids: Sequence[str]
) -> list[tuple[str, bool]]:
    """For each entity of a list that a phone asks about, whether it is to go from the phone.

    It is to go where it is known here and not (any more) the user's, or was joined to another; one that nobody knows
    here may be on its way, and stays. Raises NotFound where the form version has no such list.
    """
    asked = list(dict.fromkeys(entity_ids))
    with reference.database.read() as connection:
        known = reference.known(connection)
        form = _form_files(reference, connection, known, form_id, version)
        if name not in form.lists or is_map(name) or form.campaign_id is None:
            raise NotFound(mark("Form {form_id} has no file {name}."), form_id=form_id, name=name)
        area = _area(reference, connection, known, user)
        ids = [one for one in asked if is_entity_id(one)]
        rows = kept_households.households_of(reference.database, connection, form.campaign_id, ids)
        own = {row.id for row in area.hold(list({row.id: row for row in rows.values()}.values()))}
        own.update(integrity.to_check(connection, form.campaign_id, user.id))
        mended = mendings.named(connection, form.campaign_id, set(ids) - rows.keys())
    return [(one, one in mended or (one in rows and rows[one].id not in own)) for one in asked]


def troubles(reference: Reference, user_ids: Collection[int], *, unlisted: bool = True) -> dict[int, ListTrouble]:
    """What is wrong with the lists of canvassers' phones, by number of the user; who has no trouble is not named.

    unlisted: whether to look for what stands in no list, which reads a row for each household of these canvassers. In
    an area drawn on the map houses are counted by hamlet: too many rather than too few make a list too long.
    """
    found: dict[int, ListTrouble] = {}
    with reference.database.read() as connection:
        known = reference.known(connection)
        people = [one for one in accounts.everyone(connection, Role.CANVASSER) if one.active and one.id in user_ids]
        areas = {one.id: _area(reference, connection, known, as_user(one)) for one in people}
        cells = {number for area in areas.values() for number in area.cells or ()}
        wanted = None if any(area.cells is None for area in areas.values()) else sorted(cells)
        for campaign_id in known.campaigns if areas else ():
            if not _serves_lists(reference, connection, known, campaign_id):
                continue
            every = {row[0]: row[1] for row in tallies.houses(reference.database, connection, campaign_id, None)}
            missing = (
                kept_households.without_uuid(reference.database, connection, campaign_id, wanted) if unlisted else {}
            )
            for user_id, area in areas.items():
                readable = every if area.readable is None else area.readable
                houses = sum(every.get(number, 0) for number in readable)
                own = [missing[number] for number in (every if area.cells is None else area.cells) if number in missing]
                told = found.get(user_id, ListTrouble())
                found[user_id] = ListTrouble(
                    max(told.houses, houses if houses > MANY else 0),
                    told.unlisted_houses + sum(one[0] for one in own),
                    told.unlisted_people + sum(one[1] for one in own),
                )
    return {user_id: told for user_id, told in found.items() if told != ListTrouble()}


def _serves_lists(reference: Reference, connection: Connection, known: Known, campaign_id: str) -> bool:
    """Whether a current form of the campaign asks for lists of households or people."""
    return any(
        _form_files(reference, connection, known, form.form_id, form.version).lists
        for form in kept.current_forms(connection)
        if form.campaign_id == campaign_id
    )


class _Desk:
    """One user's answers within one transaction."""

    def __init__(self, reference: Reference, connection: Connection, user: User, day: date, language: str) -> None:
        self._reference, self._connection, self._user = reference, connection, user
        self._day, self._language = day, language
        self._known = reference.known(connection)
        self._kept = reference.lists
        self._rounds: dict[str, int] = {}

    def files(self, form_id: str, version: str, only: str | None = None) -> list[PhoneFile]:
        """The files of a form version; of one name alone, where it is told."""
        form = self._form(form_id, version)
        found = []
        for name, kind in form.lists.items():
            if only in (None, name):
                hashes = self._kept.hashes(self._lists_key(form), lambda: self._lists(form), self._round(form))
                # What is announced as entities a phone reads as CSV, and GeoJSON is none.
                found.append(PhoneFile(name, hashes[_part(name, kind)], not is_map(name), form.campaign_id))
        for media in form.media.values():
            if only in (None, media.name):
                key = self._place_key(form, media)
                if key is None:
                    found.append(PhoneFile(media.name, media.md5))
                else:
                    made = self._kept.hashes(key, lambda f=form, m=media: self._cut(f, m))  # type: ignore[misc]
                    found.append(PhoneFile(media.name, made[media.name]))
        return found

    def content(self, form_id: str, version: str, name: str) -> bytes:
        """The bytes of one of these files."""
        form = self._form(form_id, version)
        if name in form.lists:
            made = self._kept.contents(self._lists_key(form), lambda: self._lists(form), self._round(form))
            return made[_part(name, form.lists[name])]
        media = form.media[name]
        key = self._place_key(form, media)
        if key is None:
            return self._blob(media)
        return self._kept.contents(key, lambda: self._cut(form, media))[name]

    def _form(self, form_id: str, version: str) -> FormFiles:
        return _form_files(self._reference, self._connection, self._known, form_id, version)

    def _campaign(self, form: FormFiles) -> Campaign:
        return self._known.campaigns[form.campaign_id or ""]

    def _blob(self, media: Media) -> bytes:
        found = submissions.read_blob(self._connection, media.sha256)
        if found is None:
            raise Unavailable(mark("The file {name} is lost. Publish the form's folder again."), name=media.name)
        return found

    # Households and people

    def _lists_key(self, form: FormFiles) -> Hashable:
        """All that a user's lists depend on."""
        campaign = self._campaign(form)
        area = _area(self._reference, self._connection, self._known, self._user)
        user = self._user
        revision = self._known.revision
        to_check = self._to_check(campaign.id)
        held = area.readable
        if held is not None and to_check:
            held = [*held, *{row.cell_id for row in self._with_houses(campaign.id, [], to_check)}]
        era, changes = kept_households.changes(self._reference.database, self._connection, campaign.id, held)
        asked = invitations.versions(self._connection, campaign.id)
        counted = (era, changes, to_check, asked)
        return (campaign.id, form.mapped, user.id, area, revision, counted, self._day, self._language)

    def _round(self, form: FormFiles) -> int:
        """The newest round in which this phone was handed something of the campaign, by this answer too."""
        campaign_id = self._campaign(form).id
        if campaign_id not in self._rounds:
            self._rounds[campaign_id] = phone_rounds.newest(self._connection, self._user.id, campaign_id)
        return self._rounds[campaign_id]

    def _lists(self, form: FormFiles) -> Made:
        """Both lists, and the map if asked for, as they are handed out in a round that is kept.

        Where somebody is writing for long, rows that changed since the last round are left for the next time.
        """
        campaign_id = self._campaign(form).id
        handed = phone_rounds.handed(self._connection, self._user.id, campaign_id)
        rounds = ListRounds(self._user.id, handed, self._day)
        files = self._written(form, rounds)
        now = rounds.result()
        if now is not None:
            try:
                with self._reference.database.write_at_once(_PATIENCE) as connection:
                    phone_rounds.keep(connection, self._user.id, campaign_id, rounds.before, now)
            except (Conflict, Unavailable):
                files = self._written(form, ListRounds(self._user.id, handed, self._day, frozen=True))
                self._rounds[campaign_id] = _FROZEN
            else:
                self._rounds[campaign_id] = now.round
        return Made(files, self._round(form))

    def _written(self, form: FormFiles, rounds: ListRounds) -> dict[str, bytes]:
        """The lists of the household ids in order; who has no UUID stands in none."""
        reference, connection, campaign = self._reference, self._connection, self._campaign(form)
        area = _area(reference, connection, self._known, self._user)
        invited = invitations.invited(reference, connection, campaign.id)
        words = Words(campaign, self._language, self._day, self._reasons(campaign.id), invited)
        parts = {kind: [head_of(kind)] for kind in EntityList}
        features = []
        rows = area.hold(kept_households.households(reference.database, connection, campaign.id, area.readable))
        to_check = self._to_check(campaign.id)
        rows = [row for row in self._with_houses(campaign.id, rows, to_check) if is_entity_id(row.id)]
        for start in range(0, len(rows), _AT_ONCE):
            houses = follow_up.with_people(reference, connection, campaign, self._day, rows[start : start + _AT_ONCE])
            told = [words.rows(words.to_check(house) if house.id in to_check else house) for house in houses]
            own = rounds.give([row for row, _ in told])
            people = rounds.give([row for _, several in told for row in several if is_entity_id(row[0])])
            parts[EntityList.HOUSEHOLDS].append(write_rows(own))
            parts[EntityList.PEOPLE].append(write_rows(people))
            if form.mapped:
                features.append(write_features(own))
        made: dict[str, bytes] = {kind: b"".join(some) for kind, some in parts.items()}
        return made | {MAP: write_map(features)} if form.mapped else made

    def _to_check(self, campaign_id: str) -> frozenset[str]:
        """Households that the user is to interview a second time, wherever they lie."""
        return frozenset(integrity.to_check(self._connection, campaign_id, self._user.id))

    def _with_houses(
        self, campaign_id: str, rows: list[HouseholdRow], household_ids: frozenset[str]
    ) -> list[HouseholdRow]:
        """The households with those of the ids that are not among them, by id."""
        missing = sorted(household_ids - {row.id for row in rows})
        if not missing:
            return rows
        found = kept_households.households_of(self._reference.database, self._connection, campaign_id, missing)
        return sorted([*rows, *(found[each] for each in missing if each in found)], key=lambda row: row.id)

    def _reasons(self, campaign_id: str) -> dict[str, str]:
        def read() -> dict[str, str]:
            return reasons(self._connection, campaign_id, self._language)

        return self._kept.value(("reasons", self._known.revision, campaign_id, self._language), read)

    # Hamlets and communes

    def _place_key(self, form: FormFiles, media: Media) -> Hashable | None:
        """What a list of places depends on; None where this user gets the file as it is."""
        if not self._user.areas or media.name not in form.places:
            return None
        kind, column = form.places[media.name]
        return ("places", media.name, media.sha256, column, self._codes(kind))

    def _codes(self, kind: str) -> frozenset[str]:
        """Codes of the hamlets of the user's areas, or of the communes that hold them."""
        user, known, reference, connection = self._user, self._known, self._reference, self._connection
        home = {"", DRAWN, IDLE, known.home}
        # In another set than the list's own a hamlet lies where its households were found, and that changes.
        moving = any(set_id not in home for set_id, _ in user.areas)
        counted = tallies.version(reference.database, connection) if moving else None
        outlines = drawn_outlines(reference, connection, user)

        def visited(set_id: str) -> listed.Visited:
            houses = [
                row
                for campaign_id in known.campaigns
                for row in tallies.houses(reference.database, connection, campaign_id, None)
            ]
            return listed.visited_in(reference.cells(connection), houses, set_id)

        def find() -> dict[str, frozenset[str]]:
            hamlets = listed.visible_hamlets(known, user, visited)
            hamlets += hamlets_met(connection, known, outlines)
            return {
                "hamlet": frozenset(hamlet.code for hamlet in hamlets),
                "commune": frozenset(hamlet.commune_code for hamlet in hamlets),
            }

        return self._kept.value(("codes", known.revision, user.areas, outlines, counted), find)[kind]

    def _cut(self, form: FormFiles, media: Media) -> Made:
        kind, column = form.places[media.name]
        whole = self._blob(media)
        made = cut(whole, column, self._codes(kind))
        return Made({media.name: whole if made is None else made})


def _form_files(reference: Reference, connection: Connection, known: Known, form_id: str, version: str) -> FormFiles:
    """The files of a form version. Raises NotFound."""

    def read() -> FormFiles:
        form = kept.form(connection, form_id, version)
        if form is None:
            raise publish.no_form(form_id, version)
        media = {one.name: one for one in kept.media(connection, form_id, version)}
        if form.campaign_id is None:
            return FormFiles(None, media)
        model = XFormModel.from_json(form.model)
        declared = set(model.entity_lists)
        wanted = [one.name for one in model.media if one.name not in media]
        asked = set(wanted)
        for other in kept.current_forms(connection):
            if other.campaign_id == form.campaign_id:
                told = json.loads(other.model)
                declared.update(told["entity_lists"])
                asked.update(one["name"] for one in told["media"])
        places = {}
        for node in model.nodes:
            choices = model.choice_list(node.choices) if node.role in _PLACES and node.choices else None
            if choices is not None and choices.file:
                places[choices.file] = (_PLACES[node.role or ""], choices.value_column)
        mapped = any(map(is_map, served_lists(asked, declared)))
        return FormFiles(form.campaign_id, media, served_lists(wanted, declared), places, mapped)

    return reference.lists.value(("form", known.revision, form_id, version), read)


def _part(name: str, kind: EntityList) -> str:
    """Under which name a list is made."""
    return MAP if is_map(name) else kind


def reasons(
    connection: Connection, campaign_id: str, language: str, roles: Collection[str] = _REASONS
) -> dict[str, str]:
    """What the campaign's current forms call what can be chosen, by the choice's value.

    roles: of the questions that are looked at, by default those about reasons.
    """
    found: dict[str, str] = {}
    for form in kept.current_forms(connection):
        if form.campaign_id != campaign_id:
            continue
        model = XFormModel.from_json(form.model)
        spoken = model.language(language)
        lists = {node.choices for node in model.nodes if node.role in roles and node.choices}
        for choices in filter(None, map(model.choice_list, sorted(lists))):
            for choice in choices.choices:
                found.setdefault(choice.value, choice.labels.get(spoken, choice.value))
    return found


def _area(reference: Reference, connection: Connection, known: Known, user: User) -> FieldArea:
    """The user's area, worked out again only where it may have changed.

    Raises Unavailable where an area is of a boundary set that cannot be read: a shortened list would take households
    from the phone.
    """
    for set_id, _ in user.areas:
        if set_id not in known.every_set and set_id not in ("", DRAWN, IDLE):
            raise Unavailable(
                mark("The boundary set {set} cannot be read. Tell the operator, and try again."), set=set_id
            )
    outlines = drawn_outlines(reference, connection, user)
    cells = reference.cells(connection)
    return reference.lists.value(
        ("area", known.revision, len(cells), user.areas, outlines),
        lambda: field_area(reference, connection, known, user),
    )
