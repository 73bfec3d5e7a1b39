"""Who did what: entries that nobody can edit, added in the transaction that does it, and the check that none was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

from mapper.errors import Unavailable, mark
from mapper.services.reference import Reference
from mapper.store import audit, audit_aside
from mapper.store.audit import About
from mapper.store.database import Connection

VIETNAM = timezone(timedelta(hours=7))

COMMAND_LINE = "server.py"
"""Stands for the user where somebody at the server's own command line did it."""

ACTIONS: Mapping[str, str] = {
    "user.added": mark("account made"),
    "sealing.sealed": mark("names and phones sealed in the database"),
    "sealing.rotated": mark("names and phones sealed with a new key"),
    "sealing.opened": mark("names and phones made plain in the database"),
    "user.renewed": mark("new key given"),
    "user.revoked": mark("access ended"),
    "user.areas": mark("area changed"),
    "user.password": mark("new password given"),
    "user.own_password": mark("own password changed"),
    "user.signed_out": mark("signed out in all other browsers"),
    "user.cards": mark("QR codes shown"),
    "user.card": mark("QR code of one phone shown"),
    "area.drawn": mark("area drawn"),
    "area.removed": mark("drawn area removed"),
    "hamlet.moved": mark("hamlet given to another"),
    "form.draft": mark("draft of a form made"),
    "form.draft_deleted": mark("draft of a form deleted"),
    "form.published": mark("form published"),
    "form.closed": mark("form closed"),
    "form.opened": mark("form opened again"),
    "submission.seen": mark("submission seen"),
    "submission.reviewed": mark("submission reviewed"),
    "submission.commented": mark("submission commented on"),
    "submission.downloaded": mark("submission downloaded"),
    "conflict.decided": mark("contradiction decided"),
    "conflict.reopened": mark("decision about a contradiction taken back"),
    "integrity.seen": mark("signs in canvassers' forms seen"),
    "integrity.explained": mark("sign in a canvasser's forms explained"),
    "integrity.reopened": mark("explanation of a sign taken back"),
    "backcheck.drawn": mark("houses drawn for a second interview"),
    "backcheck.seen": mark("houses of a second interview seen"),
    "backcheck.told": mark("second interview entered"),
    "oddity.decided": mark("finding decided"),
    "oddity.reopened": mark("decision about a finding taken back"),
    "lot.drawn": mark("lot drawn"),
    "lot.found": mark("findings of a lot entered"),
    "lot.printed": mark("sheet of a lot printed"),
    "backcheck.printed": mark("sheet of second interviews printed"),
    "sheets.printed": mark("follow-up sheets printed"),
    "slip.given": mark("slips given to people"),
    "slip.revoked": mark("slip revoked"),
    "slip.key_made": mark("new key for slips"),
    "slip.key_withdrawn": mark("key of slips withdrawn"),
    "people.listed": mark("list of people or houses seen"),
    "people.exported": mark("list of people downloaded"),
    "submissions.exported": mark("submissions of a form downloaded"),
    "submissions.fed": mark("submissions of a form read by a program"),
    "epidemic.entered": mark("epidemic level entered"),
    "epidemic.imported": mark("epidemic levels taken from a table"),
    "stock.entered": mark("entered into the vaccine ledger"),
    "stock.imported": mark("table taken into the vaccine ledger"),
    "stock.undone": mark("entry of the vaccine ledger undone"),
    "target.set": mark("target of an area set"),
    "target.removed": mark("target of an area taken back"),
    "exchange.compared": mark("FHIR file compared with the register"),
    "exchange.fhir": mark("FHIR file of people downloaded"),
    "exchange.sent": mark("figures sent to DHIS2"),
    "exchange.units": mark("units mapped to DHIS2"),
    "sites.taken": mark("list of sites entered"),
    "site.entered": mark("site entered"),
    "site.changed": mark("site changed"),
    "site.removed": mark("site taken out"),
    "roads.imported": mark("road map made"),
    "succession.crosswalk": mark("crosswalk of boundary sets taken in"),
    "succession.outlines": mark("what became of units measured on outlines"),
    "succession.package": mark("what became of units taken from a package"),
    "succession.removed": mark("what became of units taken out"),
    "set.imported": mark("boundary set imported"),
    "set.days": mark("days of a boundary set changed"),
    "responsible.set": mark("person responsible named"),
    "responsible.removed": mark("person responsible taken out"),
    "responsible.listed": mark("list of responsible people entered"),
    "responsible.downloaded": mark("list of responsible people downloaded"),
    "register.uploaded": mark("extract of the national register uploaded"),
    "register.seen": mark("first rows of an extract of the national register seen"),
    "register.taken": mark("extract of the national register taken in"),
    "register.placed": mark("commune of an extract of the national register told"),
    "register.deleted": mark("extract of the national register deleted"),
    "register.decided": mark("decided whether two entries are one person"),
    "register.listed": mark("comparison with the national register seen"),
    "register.downloaded": mark("list for the national register downloaded"),
    "report.downloaded": mark("daily report downloaded"),
    "plan.file": mark("file of a plan made that tells of people"),
    "plan.asked": mark("plan asked for"),
    "plan.stopped": mark("plan stopped"),
    "plan.chosen": mark("plan chosen to be carried out"),
    "plan.put_aside": mark("plan carried out no longer"),
    "plan.renamed": mark("plan named anew"),
    "plan.removed": mark("plan taken away"),
    "plan.seen": mark("houses and people of a plan seen"),
    "public.settings": mark("public page set"),
    "audit.downloaded": mark("audit trail downloaded"),
    "retention.set": mark("time set for which people are kept"),
    "retention.announced": mark("announced that people or photos will go"),
    "retention.begun_photos": mark("erasing the photos of a campaign begun"),
    "retention.begun_people": mark("reducing a campaign's people to numbers begun"),
    "retention.photos": mark("photos of a campaign erased when their time was over"),
    "retention.people": mark("people of a campaign reduced to numbers"),
    "erased.looked": mark("people of a house seen before erasing"),
    "erased.person": mark("person erased"),
    "erased.household": mark("household erased"),
    "database.backed_up": mark("backup of everything made"),
    "database.restored": mark("backup put back"),
    "database.moved": mark("everything moved to another database"),
}
"""Kind of an action to the words for it; a new kind is entered here, or the page shows the bare word."""

FACTS: Mapping[str, str] = {
    "about": mark("only about the household of"),
    "action": mark("only of the kind"),
    "area": mark("area"),
    "areas": mark("places"),
    "before": mark("before"),
    "campaign": mark("campaign"),
    "change": mark("what is new"),
    "choice": mark("decision"),
    "day": mark("day"),
    "dose": mark("dose"),
    "doses": mark("doses"),
    "file": mark("file"),
    "filter": mark("filter"),
    "formulation": mark("formulation"),
    "from": mark("from"),
    "group": mark("group"),
    "hamlets": mark("hamlets"),
    "household": mark("household"),
    "houses": mark("houses"),
    "houses_seen": mark("which houses"),
    "level": mark("level"),
    "lot": mark("lot number"),
    "number": mark("number"),
    "people": mark("days that people are kept"),
    "photos": mark("days that photos are kept"),
    "end": mark("end of the campaign"),
    "plan": mark("plan"),
    "property": mark("what was corrected"),
    "reason": mark("reason"),
    "review": mark("review"),
    "role": mark("role"),
    "rule": mark("rule"),
    "state": mark("who was listed"),
    "stock": mark("kind of entry"),
    "store": mark("store"),
    "set": mark("boundary set"),
    "sign": mark("sign"),
    "source": mark("decision that says so"),
    "target": mark("target"),
    "seed": mark("seed of the draw"),
    "seen": mark("people seen"),
    "to": mark("to"),
    "unvaccinated": mark("not vaccinated"),
    "user": mark("only of the user"),
    "version": mark("version"),
}
"""Name of a fact to the words for it; a new one is entered here, or the page shows the bare name."""

VALUES: Mapping[tuple[str, str], str] = {
    ("before", "approved"): mark("approved"),
    ("before", "has_issues"): mark("has issues"),
    ("before", "received"): mark("not reviewed yet"),
    ("change", "media"): mark("the same form with other lists"),
    ("change", "new"): mark("a new version"),
    ("choice", "one"): mark("one person"),
    ("choice", "accept"): mark("right as it stands"),
    ("choice", "correct"): mark("corrected"),
    ("choice", "join"): mark("joined"),
    ("choice", "not_a_problem"): mark("not a problem"),
    ("choice", "set_aside"): mark("set aside"),
    ("choice", "stands"): mark("stands"),
    ("choice", "visit"): mark("to be visited again"),
    ("choice", "taken_back"): mark("taken back"),
    ("choice", "two"): mark("two people"),
    ("reason", "request"): mark("they, or who stands for them, asked for it"),
    ("reason", "mistake"): mark("registered by mistake"),
    ("reason", "order"): mark("an authority ordered it"),
    ("review", "approved"): mark("approved"),
    ("review", "has_issues"): mark("has issues"),
    ("review", "received"): mark("not reviewed yet"),
    ("role", "administrator"): mark("administrator"),
    ("role", "canvasser"): mark("canvasser"),
    ("role", "commune_supervisor"): mark("commune supervisor"),
    ("role", "planner"): mark("planner"),
    ("stock", "allocated"): mark("allocated"),
    ("stock", "counted"): mark("stock count"),
    ("stock", "moved"): mark("moved"),
    ("stock", "received"): mark("received (doses)"),
    ("stock", "used"): mark("used"),
    ("stock", "wasted"): mark("thrown away"),
    ("role", "supervisor"): mark("district or province supervisor"),
}
"""Values of facts that are words of the program, by the name of the fact, to the words for them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did. at: ISO time in UTC; words: of the action, to be translated; chain: its seal."""

    seq: int
    at: str
    user_id: int | None
    user_name: str
    action: str
    words: str
    subject: str
    facts: Mapping[str, str]
    chain: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking the whole trail found.

    entries: how many there are. broken_at: number of the first that was changed, put in, or follows one taken out;
    None where all is as it was written. seal: the newest chain; one who notes it down with the number of entries can
    tell later that nothing before it was cut off or written anew.
    """

    entries: int
    broken_at: int | None
    seal: str


def record(
    reference: Reference,
    connection: Connection,
    user_id: int | None,
    user_name: str,
    action: str,
    subject: str,
    facts: Mapping[str, object] | None = None,
) -> None:
    """Add to the trail that a user did something; stands only if the caller's transaction does.

    Call it last in a transaction that writes: others wait for the trail until that ends. user_id None with
    COMMAND_LINE as the name: done at the server itself. action: a key of ACTIONS. subject: an id or a code, never a
    person's name. facts: ids, codes and numbers only, and no secret.
    """
    at = _written(datetime.now(UTC))
    audit.append(reference.database, connection, at, user_id, user_name, action, subject, _told(facts))


def record_seen(
    reference: Reference,
    user_id: int | None,
    user_name: str,
    action: str,
    subject: str,
    facts: Mapping[str, object] | None = None,
) -> None:
    """Enter that a user is shown something, before it is shown and with nothing else to write; see ``record``.

    It is on the disk when this returns, and waits for nobody: where somebody else writes to a SQLite file for long,
    it is set aside, and stands in the trail before whatever is entered, or read from it, next.
    """
    database = reference.database
    at, told = _written(datetime.now(UTC)), _told(facts)
    try:
        with database.write_at_once() as connection:
            audit.append(database, connection, at, user_id, user_name, action, subject, told)
    except Unavailable:
        if not database.keeps_files:
            raise
        audit.append_aside(database, at, user_id, user_name, action, subject, told)


def settle(reference: Reference) -> None:
    """Have everything in the trail that was set aside; waits for whoever writes, if anything was."""
    database = reference.database
    with database.read() as connection:
        waits = audit_aside.any_waits(database, connection)
    if waits:
        with database.write() as connection:
            audit.take_in(database, connection)


def _told(facts: Mapping[str, object] | None) -> dict[str, str]:
    return {name: str(value) for name, value in (facts or {}).items()}


def entries(
    reference: Reference,
    limit: int,
    before: int | None = None,
    action: str = "",
    user_id: int | None = None,
    day: date | None = None,
    about: About | None = None,
) -> list[Entry]:
    """The newest entries first; for administrators of the whole installation, which the caller sees to.

    before: only those of a lower number; action: of that kind; user_id: by that user; day: of that day in Vietnam;
    about: that name one of its submissions or households.
    """
    begin = datetime.combine(day, time(), VIETNAM).astimezone(UTC) if day is not None else None
    # As the times are written: of one length, so that they compare as they come.
    between = None if begin is None else (_written(begin), _written(begin + timedelta(days=1)))
    settle(reference)
    with reference.database.read() as connection:
        found = audit.newest(connection, limit, before, action, user_id, between, about)
    return [
        Entry(
            one.seq,
            one.at,
            one.user_id,
            one.user_name,
            one.action,
            ACTIONS.get(one.action, one.action),
            one.subject,
            json.loads(one.facts),
            one.chain,
        )
        for one in found
    ]


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def size(reference: Reference) -> int:
    """How many entries the trail has."""
    settle(reference)
    with reference.database.read() as connection:
        return audit.size(connection)


def verify(reference: Reference) -> Verdict:
    """Check every entry against the one before it; see Verdict."""
    number, seal, broken_at = 0, audit.START, None
    settle(reference)
    with reference.database.read() as connection:
        for number, one in enumerate(audit.stream(connection), 1):
            if broken_at is None and (one.seq != number or one.bound_to(seal) != one.chain):
                broken_at = one.seq
            seal = one.chain
    return Verdict(number, broken_at, seal)
