"""What a form's questions mean: the roles they declare, checked when the form is published.

No question name stands here. ``Roles.of`` refuses a form whose roles contradict each other; ``roles.read_visit``
turns a submission's answers into a Visit with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from mapper.errors import InvalidForm, mark
from mapper.formats.xform import Node, XFormModel

ROLE_COLUMN = "bind::map:role"
"""Column of the sheet survey in which a question is given its role."""

ROLES: dict[str, str] = {
    "visit.date": "the day at the door",
    "visit.kind": "census, which tells the whole household, or revisit, which tells only what changed",
    "visit.outcome": "how the visit ended: interviewed, absent, refused, locked, moved_away",
    "household.id": "the household's lasting id, where it is no ODK entity",
    "household.point": "the house",
    "household.hamlet": "code of the hamlet chosen",
    "household.commune": "code of the commune chosen",
    "household.house_number": "house number",
    "household.head": "head of the household",
    "household.phone": "telephone number",
    "household.expected_members": "people said to live here",
    "person": "the repeat of the household's members",
    "person.id": "the person's lasting id, where the person is no ODK entity",
    "person.name": "name",
    "person.sex": "sex",
    "person.residence": "here, works_away, absent, moved_in, moved_out",
    "person.away_place": "where the person is",
    "person.birth_date": "date of birth",
    "person.birth_year": "year of birth",
    "person.age_years": "age in full years on the day of the visit",
    "person.age_months": "age in full months on the day of the visit",
    "person.priority": "priority groups, several",
    "person.contraindicated": "yes, no",
    "person.contraindication": "what it is",
    "person.deferred_until": "the day a deferral ends",
    "person.deferral_reason": "why",
    "person.infected_on": "the last infection",
    "person.consent": "yes, no, undecided",
    "person.refusal_reason": "why",
    "person.vaccinated": "whether any dose was given: yes, no, unknown",
    "dose": "the repeat of a person's doses, inside the repeat person",
    "dose.number": "a dose code of the campaign",
    "dose.date": "the day it was given",
    "dose.vaccine": "the vaccine",
    "dose.lot": "its lot",
    "dose.place": "where it was given",
    "dose.evidence": "how it is known",
    "dose.given": "only as dose.given@CODE: yes, no, unknown",
}
"""Every known role and its meaning, as forms/README.md tells them."""

_DATES = frozenset({"visit.date", "person.birth_date", "person.deferred_until", "person.infected_on", "dose.date"})
_DATE_TYPES = frozenset({"date", "dateTime", "string", ""})

_METADATA = {"date/today": "visit.date/day", "timestamp/start": "visit.date/time", "timestamp/end": "visit.date/end"}

Plan = dict[str, "Step"]


class Step(NamedTuple):
    """What to do at one element: keep its text as ``role``, open a person or a dose, go down into ``below``."""

    role: str
    opens: str
    below: Plan


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles that one form version declares.

    paths: role (with its @CODE) to the path of its node. plan: element names as chains, for one walk through
    a submission; "visit.date/day" and "visit.date/time" are the today and start metadata, which stand in for
    a visit.date that is missing, and "visit.date/end" is the end metadata. flat: the same by element name alone,
    (role, "" | "person" | "dose" | "entity"), where no name stands twice in the form; None where one does. coded_doses:
    codes of doses that stand without a repeat.
    birth_part: "month" or "year" where the form asks the birth date by month or year only, else "".
    """

    paths: dict[str, str]
    plan: Plan
    flat: dict[str, tuple[str, str]] | None = None
    coded_doses: tuple[str, ...] = ()
    birth_part: str = ""

    @property
    def draws_coverage(self) -> bool:
        """Whether submissions of this form become visits."""
        return bool(self.paths)

    @classmethod
    def empty(cls) -> Roles:
        """The roles of a form that declares none."""
        return cls({}, {})

    @classmethod
    def of(cls, model: XFormModel, rows: Mapping[str, Sequence[int]] | None = None) -> Roles:
        """The checked roles of a form.

        rows: of the sheet survey, in which each role stands, for messages; none where there is no workbook. Raises
        InvalidForm, naming row, question and cure, where a role is unknown, stands twice, on the wrong kind of
        question, or outside its repeat.
        """
        try:
            return cls._of(model)
        except InvalidForm as fault:
            found = (rows or {}).get(str(fault.facts.get("role")), ())
            raise InvalidForm(fault.message, row=", ".join(map(str, found)) or "?", **fault.facts) from None

    @classmethod
    def _of(cls, model: XFormModel) -> Roles:
        declared = [node for node in model.nodes if node.role]
        if not declared:
            return cls.empty()
        by_role: dict[str, Node] = {}
        for node in declared:
            role = node.role or ""
            _check_known(node, role)
            if role in by_role:
                raise InvalidForm(
                    mark(
                        "Sheet survey, rows {row}: the questions {first} and {second} both have the role {role}. "
                        "Leave it on one of them (column bind::map:role)."
                    ),
                    first=by_role[role].name,
                    second=node.name,
                    role=role,
                )
            by_role[role] = node
        _check_places(model, by_role)
        _check_types(by_role)
        plan = _plan(model, by_role)
        return cls(
            {role: node.path for role, node in by_role.items()},
            plan,
            _flat(plan, model),
            tuple(dict.fromkeys(role.partition("@")[2] for role in by_role if "@" in role)),
            _birth_part(by_role.get("person.birth_date")),
        )


def _birth_part(node: Node | None) -> str:
    shown = node.appearance.split() if node else []
    return "month" if "month-year" in shown else "year" if "year" in shown else ""


def _check_known(node: Node, role: str) -> None:
    base, at, code = role.partition("@")
    if base not in ROLES:
        nearest = get_close_matches(base, ROLES, 1, 0.5)
        if nearest:
            raise InvalidForm(
                mark(
                    "Sheet survey, row {row}, question {question}: the role {role} is unknown. "
                    "Did you mean {nearest}? Correct the column bind::map:role."
                ),
                question=node.name,
                role=role,
                nearest=nearest[0] + at + code,
            )
        raise InvalidForm(
            mark(
                "Sheet survey, row {row}, question {question}: the role {role} is unknown. "
                "Empty its cell in the column bind::map:role, or write one of: {roles}."
            ),
            question=node.name,
            role=role,
            roles=", ".join(ROLES),
        )
    if at and (not base.startswith("dose.") or base == "dose.number"):
        raise InvalidForm(
            mark(
                "Sheet survey, row {row}, question {question}: {role} cannot be bound to one dose. "
                "Only dose.given, dose.date, dose.vaccine, dose.lot, dose.place and dose.evidence take an @ and "
                "a dose code."
            ),
            question=node.name,
            role=role,
        )
    if (at and (not code or "@" in code or code.split() != [code])) or (base == "dose.given" and not at):
        raise InvalidForm(
            mark(
                "Sheet survey, row {row}, question {question}: the role {role} needs a dose code behind @, "
                "as in dose.date@1. Correct the column bind::map:role."
            ),
            question=node.name,
            role=role,
        )


def _check_places(model: XFormModel, by_role: dict[str, Node]) -> None:
    repeats = {node.path for node in model.nodes if node.repeat}
    for role in ("person", "dose"):
        node = by_role.get(role)
        if node is not None and not node.repeat:
            raise InvalidForm(
                mark(
                    "Sheet survey, row {row}, {question}: the role {role} belongs on a repeat. "
                    "Write it in the row begin_repeat (column bind::map:role)."
                ),
                question=node.name,
                role=role,
            )
    person = by_role["person"].path if "person" in by_role else None
    dose = by_role["dose"].path if "dose" in by_role else None
    if person is None:
        raise InvalidForm(
            mark(
                "Sheet survey: the form declares roles but no repeat has the role person. "
                "Write it in the begin_repeat row of the household's members, or remove all roles."
            )
        )
    if dose is not None and _repeat_of(dose, repeats) != person:
        raise InvalidForm(
            mark(
                "Sheet survey, row {row}, repeat {question}: the repeat with the role dose must stand directly inside "
                "the repeat with the role person. Move it there."
            ),
            question=by_role["dose"].name,
            role="dose",
        )
    for role, node in by_role.items():
        if role in ("person", "dose"):
            continue
        here = _repeat_of(node.path, repeats)
        kind = role.partition(".")[0]
        if kind == "dose" and "@" not in role:
            if dose is None or here != dose:
                raise InvalidForm(
                    mark(
                        "Sheet survey, row {row}, question {question}: {role} must stand inside the repeat with "
                        "the role dose. Move it there, or name its dose as in {role}@1."
                    ),
                    question=node.name,
                    role=role,
                )
        elif kind in ("dose", "person"):
            if here != person:
                raise InvalidForm(
                    mark(
                        "Sheet survey, row {row}, question {question}: {role} must stand directly inside the repeat "
                        "with the role person. Move it there."
                    ),
                    question=node.name,
                    role=role,
                )
        elif here is not None:
            raise InvalidForm(
                mark(
                    "Sheet survey, row {row}, question {question}: {role} stands inside a repeat, but a household has "
                    "only one. Move it out of the repeat."
                ),
                question=node.name,
                role=role,
            )
    if dose is not None and "dose.number" not in by_role:
        raise InvalidForm(
            mark(
                "Sheet survey, row {row}, repeat {question}: the repeat with the role dose has no question with the "
                "role dose.number. Give the question for the dose that role."
            ),
            question=by_role["dose"].name,
            role="dose",
        )


def _check_types(by_role: dict[str, Node]) -> None:
    for role, node in by_role.items():
        base = role.partition("@")[0]
        if node.control in ("group", "repeat") and role not in ("person", "dose"):
            raise InvalidForm(
                mark(
                    "Sheet survey, row {row}, group {question}: the role {role} stands on a group. "
                    "Give it to the question inside (column bind::map:role)."
                ),
                question=node.name,
                role=role,
            )
        if base == "household.point" and node.type != "geopoint":
            wanted = "geopoint"
        elif base in _DATES and node.type not in _DATE_TYPES:
            wanted = "date"
        else:
            continue
        raise InvalidForm(
            mark(
                "Sheet survey, row {row}, question {question}: the role {role} wants a question of the type {wanted}, "
                "this one is of the type {type}. Change the type or remove the role."
            ),
            question=node.name,
            role=role,
            wanted=wanted,
            type=node.type or "group",
        )


def _repeat_of(path: str, repeats: set[str]) -> str | None:
    """The innermost repeat around a path, itself not counted."""
    above = path.rpartition("/")[0]
    while above:
        if above in repeats:
            return above
        above = above.rpartition("/")[0]
    return None


def _plan(model: XFormModel, by_role: dict[str, Node]) -> Plan:
    root: Plan = {}
    repeats = {node.path for node in model.nodes if node.repeat}
    wanted = {node.path: role for role, node in by_role.items()}
    for node in model.nodes:
        role = wanted.get(node.path)
        if role is None and node.preload in _METADATA and not _repeat_of(node.path, repeats):
            role = _METADATA[node.preload]
        if role in ("person", "dose"):
            _place(root, node.path, "", role)
        elif role is not None:
            _place(root, node.path, role, "")
    # A person's entity names the person.
    person = by_role["person"].path
    for node in model.nodes:
        if node.path.endswith("/meta/entity") and _repeat_of(node.path, repeats) == person:
            _place(root, node.path, "", "entity")
    return root


def _place(root: Plan, path: str, role: str, opens: str) -> None:
    """Set the step at a path, making those above it; the root element's own name does not count."""
    plan, names = root, path.split("/")[2:]
    for name in names[:-1]:
        plan = plan.setdefault(name, Step("", "", {})).below
    known = plan.get(names[-1])
    plan[names[-1]] = Step(role, opens, known.below if known else {})


def _flat(plan: Plan, model: XFormModel) -> dict[str, tuple[str, str]] | None:
    """The plan by element name, None where a name that it needs is not the only one in the form."""
    names = Counter(node.name for node in model.nodes)
    flat: dict[str, tuple[str, str]] = {}
    waiting: list[tuple[Plan, str, list[str]]] = [(plan, "", [])]
    while waiting:
        steps, inside, above = waiting.pop()
        for name, (role, opens, below) in steps.items():
            if opens == "entity":
                # Every entity is called so: a person's own is the one in the meta block of the person's repeat.
                if above != ["person", "meta"]:
                    return None
            elif (role or opens) and names[name] > 1:
                return None
            if role:
                flat[name] = (role, inside)
            elif opens:
                flat[name] = ("", opens)
            waiting.append((below, opens or inside, ["person"] if opens == "person" else [*above, name]))
    return flat
