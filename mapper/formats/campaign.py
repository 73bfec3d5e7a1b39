"""A campaign.toml as a Campaign: read, checked against itself, refused with the place and the cure.

forms/README.md tells what may stand in the file. Nothing here knows a vaccine or a dose.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date

from mapper.domain.campaign import Campaign, Design, Group, Label, Period, ScheduledDose
from mapper.domain.people import Outcome, Residence
from mapper.errors import InvalidCampaign, mark
from mapper.formats.declared import ROLES
from mapper.formats.toml_table import Table, label_of, refuse_twice

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_FILE = re.compile(r"[^/\\:]+\.csv")

_YES_NO = frozenset({"yes", "no", "unknown"})
WORDS: dict[str, Collection[str]] = {
    "kind": frozenset({"census", "revisit"}),
    "outcome": frozenset(str(word) for word in Outcome),
    "residence": frozenset(str(word) for word in Residence),
    "consent": frozenset({"yes", "no", "undecided"}),
    "vaccinated": _YES_NO,
    "contraindicated": _YES_NO,
    "given": _YES_NO,
}
"""What a choice may stand for, in the fields whose words the register reads."""

KEPT_FOR = Period(months=120)
"""How long figures are kept where campaign.toml does not say until when."""

_ROOT = "campaign.toml"
_CAMPAIGN_KEYS = (
    "id",
    "label",
    "start",
    "until",
    "visits_until",
    "accuracy_limit_m",
    "hamlets",
    "design",
    "source",
    "doses",
    "vaccines",
    "first_used",
    "values",
    "groups",
)
_GROUP_KEYS = (
    "code",
    "label",
    "from_age",
    "to_age",
    "priorities",
    "either",
    "also_from_age",
    "after_infection",
    "doses",
)
_DOSE_KEYS = (
    "dose",
    "after",
    "interval",
    "interval_by_vaccine",
    "after_by_vaccine",
    "only_vaccines",
    "given_by_vaccine",
    "vaccines",
    "same_vaccine",
    "target",
    "deadline",
)
_NEED_AFTER = ("interval", "interval_by_vaccine", "after_by_vaccine", "only_vaccines", "same_vaccine")


def read_campaign(text: str) -> Campaign:
    """The campaign that a campaign.toml describes.

    text: the file, decoded. Targets become exact fractions, periods whole months and days.
    Raises InvalidCampaign, naming the group, the dose and the key, for anything that is missing, unknown, of the
    wrong kind, or contradicts another line; the file is taken whole or not at all.
    """
    top = Table.of_file(text, _ROOT)
    top.allow(_CAMPAIGN_KEYS)
    doses = _labels(top, "doses", '1 = { vi = "Mũi 1", en = "Dose 1" }')
    vaccines = _labels(top, "vaccines", 'mr = { vi = "Sởi - rubella", en = "Measles-rubella" }')
    groups = tuple(_group(table, doses, vaccines) for table in top.tables("groups"))
    if not groups:
        top.missing("groups", '[[groups]] code = "5_11"')
    refuse_twice([group.code for group in groups], _ROOT, "groups")
    start: date = top.day("start") or top.missing("start", "2021-03-08")
    until = top.day("until") if "until" in top.entries else KEPT_FOR.after(start)
    if until is None or until <= start:
        raise InvalidCampaign(mark("campaign.toml: until, the last day of the figures, is not after start, the first."))
    visits_until = top.day("visits_until")
    if visits_until is not None and not start <= visits_until <= until:
        raise InvalidCampaign(
            mark(
                "campaign.toml: visits_until, the last day of visits, is {date}. "
                "Name a day between start, {start}, and until, {until}."
            ),
            date=visits_until,
            start=start,
            until=until,
        )
    design = top.text("design", '"cluster_survey"') if "design" in top.entries else Design.CENSUS
    if design not in set(Design):
        raise InvalidCampaign(
            mark("campaign.toml: design cannot be {design}. Use one of: {known}."),
            design=design,
            known=", ".join(Design),
        )
    hamlets = top.text("hamlets", '"hamlets.csv"', _FILE) if "hamlets" in top.entries else None
    return Campaign(
        id=top.text("id", '"covid19"', _CODE),
        label=top.label("label"),
        start=start,
        until=until,
        visits_until=visits_until,
        groups=groups,
        doses=doses,
        vaccines=vaccines,
        values=_values(top, doses, vaccines),
        accuracy_limit_m=top.number("accuracy_limit_m", Campaign.accuracy_limit_m, "50"),
        hamlets_file=hamlets,
        design=Design(design),
        source=top.text("source", '"Decision 1234, 2022"') if "source" in top.entries else "",
        first_used=_first_used(top, vaccines),
    )


def _first_used(top: Table, vaccines: Mapping[str, Label]) -> dict[str, date]:
    table = top.table("first_used", "{ pfizer = 2021-07-07 }")
    for code in table.entries:
        _in(vaccines, code, table.where, "vaccine", "vaccines")
    found = {code: table.day(code) for code in table.entries}
    return {code: day for code, day in found.items() if day is not None}


def _group(table: Table, doses: Mapping[str, Label], vaccines: Mapping[str, Label]) -> Group:
    code = table.text("code", '"5_11"', _CODE)
    table = Table(table.entries, f"{_ROOT}, groups {code}")
    table.allow(_GROUP_KEYS)
    from_age, to_age = table.period("from_age", "5 years"), table.period("to_age", "12 years")
    if from_age and to_age and _longer_or_equal(from_age, to_age):
        raise InvalidCampaign(
            mark(
                "{where}: from_age {from_age} is not below to_age {to_age}. from_age belongs to the group, "
                "to_age is the first age that no longer does."
            ),
            where=table.where,
            from_age=table.entries["from_age"],
            to_age=table.entries["to_age"],
        )
    priorities = table.words("priorities", '["pregnant"]')
    either = table.flag("either")
    if either and not (priorities and (from_age or to_age)):
        raise InvalidCampaign(
            mark("{where}: either = true joins an age with priorities. Name both, or leave it out."), where=table.where
        )
    also_from_age = table.period("also_from_age", "65 years")
    if also_from_age and (
        either
        or not priorities
        or from_age is None
        or _longer_or_equal(from_age, also_from_age)
        or (to_age is not None and _longer_or_equal(also_from_age, to_age))
    ):
        raise InvalidCampaign(
            mark(
                "{where}: also_from_age adds older people to those with a priority. Name priorities and a from_age "
                "below it, and leave out either."
            ),
            where=table.where,
        )
    scheduled = tuple(_dose(row, table.where, doses, vaccines) for row in table.tables("doses"))
    if not scheduled:
        table.missing("doses", '[[groups.doses]] dose = "1"')
    refuse_twice([dose.code for dose in scheduled], table.where, "doses")
    _refuse_circle(scheduled, table.where)
    return Group(
        code=code,
        label=table.label("label"),
        doses=scheduled,
        from_age=from_age,
        to_age=to_age,
        priorities=frozenset(priorities),
        either=either,
        also_from_age=also_from_age,
        after_infection=table.period("after_infection", "3 months"),
    )


def _dose(table: Table, group: str, doses: Mapping[str, Label], vaccines: Mapping[str, Label]) -> ScheduledDose:
    code = table.text("dose", '"1"')
    table = Table(table.entries, f"{group}, dose {code}")
    table.allow(_DOSE_KEYS)
    _in(doses, code, table.where, "dose", "doses")
    after = table.text("after", '"1"') if "after" in table.entries else None
    if after is None:
        for key in _NEED_AFTER:
            if key in table.entries:
                raise InvalidCampaign(
                    mark('{where}: {key} speaks of the dose before, but none is named. Add after = "...".'),
                    where=table.where,
                    key=key,
                )
    else:
        _in(doses, after, table.where, "after", "doses")
    intervals = table.table("interval_by_vaccine", '{ astrazeneca = "8 weeks" }')
    others = table.table("after_by_vaccine", '{ abdala = "3" }')
    instead = table.table("given_by_vaccine", '{ janssen = "1" }')
    for by_vaccine in (intervals, others, instead):
        for name in by_vaccine.entries:
            _in(vaccines, name, by_vaccine.where, "vaccine", "vaccines")
    for doses_by_vaccine in (others, instead):
        for name in doses_by_vaccine.entries:
            _in(doses, doses_by_vaccine.text(name, '"3"'), doses_by_vaccine.where, name, "doses")
    if code in instead.entries.values():
        raise InvalidCampaign(
            mark("{where}: given_by_vaccine names the dose itself. Name the earlier dose that counts as this one."),
            where=table.where,
        )
    only, given = table.words("only_vaccines", '["abdala"]'), table.words("vaccines", '["pfizer"]')
    for key, names in (("only_vaccines", only), ("vaccines", given)):
        for name in names:
            _in(vaccines, name, table.where, key, "vaccines")
    return ScheduledDose(
        code=code,
        after=after,
        interval=table.period("interval", "28 days") or Period(),
        interval_by_vaccine={name: intervals.period(name, "8 weeks") or Period() for name in intervals.entries},
        after_by_vaccine={name: others.text(name, '"3"') for name in others.entries},
        only_vaccines=frozenset(only),
        given_by_vaccine={name: instead.text(name, '"1"') for name in instead.entries},
        vaccines=given,
        same_vaccine=table.flag("same_vaccine"),
        target=table.share("target"),
        deadline=table.day("deadline"),
    )


def _labels(top: Table, key: str, example: str) -> dict[str, Label]:
    if key not in top.entries:
        top.missing(key, "{ " + example + " }")
    table = top.table(key, example)
    if not table.entries:
        top.missing(key, "{ " + example + " }")
    for code in table.entries:
        if not _CODE.fullmatch(code):
            table.wrong("code", code, "booster1")
    return {code: label_of(value, code, table) for code, value in table.entries.items()}


def _values(top: Table, doses: Mapping[str, Label], vaccines: Mapping[str, Label]) -> dict[str, dict[str, str]]:
    fields = list(dict.fromkeys(role.rpartition(".")[2] for role in ROLES if "." in role))
    table = top.table("values", '[values.residence] o_day = "here"')
    table.allow(fields)
    words: dict[str, Collection[str]] = {**WORDS, "number": doses, "vaccine": vaccines}
    mapped: dict[str, dict[str, str]] = {}
    for name in table.entries:
        field = table.table(name, 'o_day = "here"')
        mapped[name] = {choice: field.text(choice, '"here"') for choice in field.entries}
        for choice, word in mapped[name].items():
            if name in words and word not in words[name]:
                raise InvalidCampaign(
                    mark("{where}: {choice} stands for {word}, which is no word for {field}. Use one of: {known}."),
                    where=field.where,
                    choice=choice,
                    word=word,
                    field=name,
                    known=", ".join(sorted(words[name])),
                )
    return mapped


def _in(known: Mapping[str, Label], code: str, where: str, key: str, table: str) -> None:
    if code not in known:
        raise InvalidCampaign(
            mark("{where}: {key} names {code}, which is not in [{table}]. Add it there, or use one of: {known}."),
            where=where,
            key=key,
            code=code,
            table=table,
            known=", ".join(known),
        )


def _refuse_circle(doses: Collection[ScheduledDose], where: str) -> None:
    """Raise InvalidCampaign where a dose waits, over others, for itself."""
    before = {dose.code: {dose.after or "", *dose.after_by_vaccine.values()} for dose in doses}
    done: set[str] = set()

    def follow(code: str, way: tuple[str, ...]) -> None:
        if code in way:
            raise InvalidCampaign(
                mark("{where}: these doses wait for each other in a circle: {doses}. Mend after in one of them."),
                where=where,
                doses=" > ".join((*way[way.index(code) :], code)),
            )
        if code not in done:
            for earlier in sorted(before.get(code, ())):
                follow(earlier, (*way, code))
            done.add(code)

    for code in before:
        follow(code, ())


def _longer_or_equal(one: Period, other: Period) -> bool:
    start = date(2001, 1, 1)
    return one.after(start) >= other.after(start)
