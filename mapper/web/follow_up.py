"""The doors to knock at again: hamlets with who is due there, a hamlet's walk, sheets for paper; and how it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import READERS
from mapper.domain.walk import to_scale
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, NotFound, mark
from mapper.services import audit, health, intake, invitations, questions, review, sheets, walk
from mapper.services.accounts import HAMLET_LIST, User
from mapper.services.kept_invitations import InvitedTo
from mapper.services.sheets import LISTS, WalkWords
from mapper.services.walk import Why
from mapper.web.accounts import only_for, reader
from mapper.web.asked import LONG_QUIET, keep_set
from mapper.web.assets import STATIC
from mapper.web.file_set import in_name
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language
from mapper.web.map_state import in_force, set_of, set_then
from mapper.web.outside import with_asked

FONTS = STATIC / "vendor" / "be-vietnam-pro"
AT_ONCE = 200
"""Houses of a walk shown at once."""

LISTED = 20
"""Submissions that wait, and odd positions, shown at once."""

MAP_SIZE, MAP_BORDER = (640.0, 300.0), 24.0
"""Of the small map over a walk."""

EVERY_S = 15
"""How often an open page of fieldwork asks whether anything changed."""

follow_up = Blueprint("follow_up", __name__)
_only_for_readers = only_for(*READERS)


@follow_up.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@follow_up.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a page is asked for, made whole. commune: of the set; "" where there is none, or for houses in no commune.

    hamlet: None where all of them are asked for. invited: whom the list of those invited is about.
    """

    campaign: str
    set_id: str
    commune: str
    hamlet: str | None
    canvasser: int | None
    only: Why | None
    day: date
    invited: InvitedTo


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen: campaigns and communes as (code, name), canvassers of the commune; sets as ``/api/sets``.

    days, sites: of the plans in use, sites as (code, name); none where there is no plan.
    """

    campaigns: list[tuple[str, str]]
    sets: list[dict[str, Any]]
    communes: list[tuple[str, str]]
    canvassers: list[walk.Canvasser]
    days: list[date]
    sites: list[tuple[str, str]]

    def canvasser(self, number: int | None) -> str:
        """The name of a canvasser who can be chosen."""
        return next((one.name for one in self.canvassers if one.id == number), "")


def _choose(asked: Mapping[str, str], user: User) -> tuple[Chosen, Choices]:
    """Read the address. Raises NotFound, InvalidInput for what names nothing that is here."""
    reference = installation().reference
    campaigns = [(one["id"], one["label"]) for one in questions.campaigns(reference, chosen_language())]
    campaign = asked.get("campaign") or (campaigns[0][0] if campaigns else "")
    day = _day(asked) or _usual_day(user, campaign)
    sets, set_id = choose_set(asked, day)
    communes = walk.communes(reference, user, set_id)
    commune = chosen_commune(asked, set_id, communes)
    canvassers = walk.canvassers(reference, user, commune or None, set_id)
    number, only = asked.get("canvasser", ""), asked.get("list", "")
    if number and whole(number) is None:
        raise NotFound(mark("There is no canvasser of that number in your area. Choose one of the list."))
    if only and only not in set(Why):
        raise InvalidInput(mark("There is no list {list}. Choose one of: {lists}."), list=only, lists=", ".join(Why))
    days, sites = invitations.days_and_sites(reference, campaign, day)
    chosen = Chosen(
        campaign,
        set_id,
        commune,
        asked.get("hamlet"),
        int(number) if number else None,
        Why(only) if only else None,
        day,
        InvitedTo(_day(asked, "invited"), asked.get("site", "")),
    )
    return chosen, Choices(campaigns, sets, communes, canvassers, days, sites)


def choose_set(asked: Mapping[str, str], day: date) -> tuple[list[dict[str, Any]], str]:
    """The boundary sets, and which of them a page by hamlets shows: the one asked for, else that of the day.

    "" where none was imported. Raises NotFound for one that is not here.
    """
    here = installation()
    sets = questions.boundary_sets(here.reference, intake.today(), here.settings.boundary_set, chosen_language())
    usual, wanted = set_of(sets, day.isoformat()), asked.get("set", "")
    if wanted and wanted not in {one["id"] for one in sets}:
        raise NotFound(
            mark("There is no boundary set {set}. Choose one of: {sets}."),
            set=wanted,
            sets=", ".join(one["id"] for one in sets) or "-",
        )
    set_id = str(wanted or (usual["id"] if usual is not None else ""))
    if set_id:
        keep_set(set_id, sets, day.isoformat())
    return sets, set_id


def set_of_day(sets: list[dict[str, Any]], set_id: str, day: date) -> dict[str, Any] | None:
    """Where a set is shown that was not in force on the day, the one that was, and ``address``: this page on it.

    ``shown``: what the set that is shown is called.
    """
    shown = next((one for one in sets if one["id"] == set_id), None)
    then = None if shown is None or in_force(shown, day.isoformat()) else set_then(sets, day.isoformat())
    if shown is None or then is None:
        return None
    parts: dict[str, list[str]] = request.args.to_dict(flat=False)
    parts |= {"set": [then["id"]], "commune_set": [set_id], "date": [day.isoformat()]}
    address = with_asked(request.endpoint or "", request.view_args or {}, parts)
    return {"name": then["name"], "address": address, "shown": shown["name"], "day": day}


def chosen_commune(asked: Mapping[str, str], set_id: str, communes: Sequence[tuple[str, str]]) -> str:
    """The commune asked for, else the first. One chosen in another set (``commune_set``) goes along where one holds it.

    communes: (code, name). Raises NotFound for one that is not among them.
    """
    first = communes[0][0] if communes else ""
    commune, before = asked.get("commune", first), asked.get("commune_set", set_id)
    if commune and before != set_id:
        reference = installation().reference
        with reference.database.read() as connection:
            known = reference.known(connection)
        old, new = known.sets.get(before), known.sets.get(set_id)
        there = known.counterpart(old, commune, new) if old is not None and new is not None else None
        return there if there in dict(communes) else first
    if commune and commune not in dict(communes):
        raise NotFound(mark("There is no commune {commune} in your area. Choose one of the list."), commune=commune)
    return commune


def _day(asked: Mapping[str, str], name: str = "date") -> date | None:
    text = asked.get(name, "")
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(mark("{date} is not a day. Write it as 2022-08-31."), date=text) from None


def _usual_day(user: User, campaign: str) -> date:
    """Today; long after the last visit, the day of that one, as on the map."""
    today = intake.today()
    history = review.visit_history(installation().reference, user, campaign, last=1)
    return history[0].day if history and today - history[0].day > LONG_QUIET else today


def working_day(user: User, campaign: str) -> date:
    """The day whose work is looked at: today; in the sample, where nobody goes out any more, that of the last visit."""
    return _usual_day(user, campaign) if installation().sample else intake.today()


def _query(chosen: Chosen, **other: str | None) -> dict[str, str]:
    """The address of what is chosen, with other parts."""
    parts: dict[str, str | None] = {
        "campaign": chosen.campaign,
        "set": chosen.set_id or None,
        "commune": chosen.commune,
        "canvasser": str(chosen.canvasser) if chosen.canvasser is not None else None,
        "list": chosen.only.value if chosen.only else None,
        "invited": chosen.invited.day.isoformat() if chosen.invited.day else None,
        "site": chosen.invited.site or None,
        "date": chosen.day.isoformat(),
    }
    return {name: value for name, value in (parts | other).items() if value is not None}


@follow_up.get("/follow-up")
def lists() -> str:
    """The hamlets of a commune with what is to be done there, or the walk through one of them."""
    user, reference = reader(), installation().reference
    chosen, choices = _choose(request.args, user)
    page = {"chosen": chosen, "choices": choices, "lists": LISTS, "query": lambda **other: _query(chosen, **other)}
    page["then"] = set_of_day(choices.sets, chosen.set_id, chosen.day)
    if chosen.hamlet is None:
        found = walk.hamlets(
            reference, user, chosen.campaign, chosen.day, chosen.commune, chosen.canvasser, chosen.set_id
        )
        return render_template("follow_up.html", hamlets=found, **page)
    listed = chosen.only, chosen.canvasser, chosen.invited
    one = walk.walk_through(reference, user, chosen.campaign, chosen.day, chosen.hamlet, *listed, _part_of(chosen))
    words = WalkWords.of(reference, chosen.campaign, chosen_language(), chosen.day)
    part, part_count = _part(request.args, len(one.houses))
    shown = one.houses[(part - 1) * AT_ONCE : part * AT_ONCE]
    if shown:
        facts = {"areas": f"{HAMLET_LIST}:{chosen.hamlet}", "day": chosen.day.isoformat(), "houses": len(shown)}
        audit.record_seen(reference, user.id, user.name, "people.listed", chosen.campaign, facts)
    return render_template(
        "walk.html", walk=one, shown=shown, part=part, part_count=part_count, words=words, map=_map(shown), **page
    )


def _part_of(chosen: Chosen) -> tuple[str, str] | None:
    """Set and commune to whose part of a hamlet a walk keeps; None for the whole, where an address names no commune."""
    return (chosen.set_id, chosen.commune) if "commune" in request.args or chosen.hamlet is None else None


def _part(asked: Mapping[str, str], houses: int) -> tuple[int, int]:
    """Which part of a long walk is asked for, from 1, and how many there are. Raises NotFound for another."""
    parts, told = max(1, -(-houses // AT_ONCE)), asked.get("part", "1")
    part = whole(told, parts)
    if not part:
        raise NotFound(mark("This walk has {parts} parts. Choose one of them."), parts=parts)
    return part, parts


def _map(houses: Sequence[walk.WalkedHouse]) -> list[tuple[float, float, int, bool]]:
    """The houses on a small map: right, down, number, whether somebody is due; empty for less than two of them."""
    placed = [(house, house.point) for house in houses if house.point is not None]
    if len(placed) < 2:
        return []
    spots, _ = to_scale([point for _, point in placed], *MAP_SIZE, MAP_BORDER)
    return [
        (round(x, 1), round(y, 1), house.number, any(seen.why in (Why.DUE, Why.BACK) for seen in house.people))
        for (house, _), (x, y) in zip(placed, spots, strict=True)
    ]


@follow_up.get("/follow-up/sheets.pdf")
def printed() -> Response:
    """The sheets of a hamlet, or of all hamlets of the commune, that have a house to go to."""
    user, here = reader(), installation()
    chosen, choices = _choose(request.args, user)
    asked = chosen.campaign, chosen.day
    listed = chosen.only, chosen.canvasser, chosen.invited, _part_of(chosen)
    if chosen.hamlet is None:
        codes = walk.codes(here.reference, user, chosen.campaign, chosen.commune, chosen.canvasser, chosen.set_id)
        found = walk.walks(here.reference, user, chosen.campaign, chosen.day, codes, *listed)
        found = [one for one in found if one.houses] or found[:1]
    else:
        found = walk.walks(here.reference, user, chosen.campaign, chosen.day, [chosen.hamlet], *listed)
    if not found:
        raise NotFound(mark("There is no hamlet to print. Choose another commune or canvasser."))
    pdf = sheets.print_walks(
        here.reference,
        user,
        *asked,
        found,
        chosen.only,
        choices.canvasser(chosen.canvasser),
        chosen_language(),
        here.settings.project_name,
        FONTS,
    )
    response = Response(pdf, mimetype="application/pdf")
    set_parts = in_name(chosen.set_id) if chosen.set_id else ()
    name = "-".join(("follow-up", chosen.hamlet or chosen.commune or "all", *set_parts, chosen.day.isoformat()))
    response.headers.set("Content-Disposition", "inline", filename=f"{name}.pdf")
    return response


@follow_up.get("/fieldwork")
def fieldwork() -> str:
    """How the fieldwork of a commune stands; the page asks now and then whether anything changed."""
    user, reference = reader(), installation().reference
    campaigns = [(one["id"], one["label"]) for one in questions.campaigns(reference, chosen_language())]
    campaign = request.args.get("campaign") or (campaigns[0][0] if campaigns else "")
    day = _day(request.args) or (working_day(user, campaign) if campaigns else intake.today())
    sets, set_id = choose_set(request.args, day)
    communes = walk.communes(reference, user, set_id)
    named = {name: told for name, told in request.args.items() if told or name != "commune"}
    commune = chosen_commune(named, set_id, communes)
    shown = None
    stamp = _stamp()
    if campaigns and communes:
        shown = health.fieldwork_of(reference, user, campaign, commune, day, datetime.now(UTC), set_id)
    return render_template(
        "fieldwork.html",
        shown=shown,
        stamp=stamp,
        campaign=campaign,
        commune=commune,
        campaigns=campaigns,
        communes=communes,
        sets=sets,
        set_id=set_id,
        then=set_of_day(sets, set_id, day),
        listed=LISTED,
        every=EVERY_S,
        today=intake.today(),
    )


@follow_up.get("/fieldwork/version")
def fieldwork_version() -> Response:
    """A word that changes when a page of fieldwork may have."""
    return jsonify(version=_stamp())


def _stamp() -> str:
    parts = (intake.today().isoformat(), *health.version(installation().reference))
    return "|".join(str(part) for part in parts)
