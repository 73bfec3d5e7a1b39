"""Answers to the census as far as a test wants to come, and what the phone says to the next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.engine.javarosa import TIME_ZONE, Entry, Form, Refused

TODAY = datetime.now(ZoneInfo(TIME_ZONE)).date()
DAY = timedelta(days=1)
IN_BACH_THONG = (22.2151, 105.8203, 310.0, 8.5)
PLACE = {"commune": "01969", "hamlet": "0196901", "house_number": "12", "location": IN_BACH_THONG}
HOUSE = {**PLACE, "outcome": "interviewed", "head": "Nông Thị Mỷ", "phone": "0912345678", "expected_members": 1}
ADULT = {
    "person_name": "Nông Thị Mỷ",
    "sex": "female",
    "birth_known": "date",
    "birth_date": "1980-05-04",
    "residence": "here",
    "priority": ["none"],
    "infected": "no",
    "contraindicated": "no",
    "deferred": "no",
    "vaccinated": "no",
    "consent": "yes",
}
FIRST = {"dose_number": "1", "evidence": "paper_card", "vaccine": "pfizer", "dose_date": "2021-08-10"}
SECOND = {"dose_number": "2", "evidence": "paper_card", "vaccine": "pfizer", "dose_date": "2021-09-10"}


def adult(**other: object) -> dict[str, object]:
    """A person's answers in the order of the form; what is given other than by default takes its place."""
    return {**ADULT, **other}


def vaccinated(*doses: Mapping[str, object]) -> dict[str, object]:
    """A person with those doses, the consent asked after them."""
    answers = adult(vaccinated="yes")
    consent = answers.pop("consent")
    return {**answers, "dose": list(doses), "consent": consent}


def at_the_door(form: Form, **other: object) -> Entry:
    """An interview that has come as far as the first person."""
    return form.new().fill({**HOUSE, **other})


def with_person(form: Form, upto: str, **other: object) -> Entry:
    """An interview with one person, answered as far as the question before ``upto``."""
    entry = at_the_door(form)
    entry.add("person")
    for name, value in adult(**other).items():
        if name == upto:
            break
        entry.answer(name, value)
    return entry


def with_doses(form: Form, *doses: Mapping[str, object]) -> Entry:
    """An interview with one vaccinated person, those doses entered and one more begun."""
    entry = with_person(form, "vaccinated").answer("vaccinated", "yes").fill({"dose": list(doses)})
    entry.add("dose")
    return entry


def refusal(entry: Entry, name: str, value: object) -> str:
    """What the phone says when it does not take the answer."""
    with pytest.raises(Refused) as refused:
        entry.answer(name, value)
    assert refused.value.reason == "constraint"
    return refused.value.message
