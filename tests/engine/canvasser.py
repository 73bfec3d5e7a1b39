"""A canvasser who answers at random, in any form: whatever is shown, offered and taken.

Seeded, so that the same seed fills the same household. Knows no question; where the form refuses an answer, another is
tried, and where it refuses to be finalised, the question it names is answered anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import chain
from random import Random
from zoneinfo import ZoneInfo

from tests.engine.javarosa import TIME_ZONE, EngineError, Entry, NotRelevant, Question, Refused

Place = tuple[tuple[str, int], ...]
"""The number of each repeat that something stands in, outermost first."""

NOTHING: Mapping[str, object] = {}
TEXTS = ("Hoàng Thị Mỷ", "Lò Văn Ứng", "0912345678", "FK0108", "Thôn Nà Lìu, xã Sỹ Bình", "12", "x")


def fill_at_random(entry: Entry, seed: int, instances: int = 3, prefer: Mapping[str, object] = NOTHING) -> bytes:
    """Fill the whole form and finalise it.

    instances: at most so many of each repeat. prefer: answers to begin with, by question, where they are taken.
    Raises EngineError when the form cannot be brought to an end.
    """
    random = Random(seed)
    answered: set[tuple[str, Place]] = set()
    added: set[Place] = set()
    for _ in range(200):
        if _answer_new(entry, random, answered, prefer) or _grow(entry, random, added, instances):
            continue
        try:
            return entry.finalise()
        except Refused as refused:
            for question in entry.questions():
                if question.name == refused.name:
                    _answer(entry, random, question)
    raise EngineError(f"Seed {seed}: the form does not come to an end")


def _answer_new(entry: Entry, random: Random, answered: set[tuple[str, Place]], prefer: Mapping[str, object]) -> bool:
    """Answer every question on the screens that was not answered before; False where there is none."""
    new = False
    for question in entry.questions():
        key = question.name, tuple(question.at.items())
        if key not in answered:
            answered.add(key)
            new = True
            if entry.is_relevant(question.name, **question.at):
                _answer(entry, random, question, prefer)
    return new


def _answer(entry: Entry, random: Random, question: Question, prefer: Mapping[str, object] = NOTHING) -> None:
    preferred = [prefer[question.name]] if question.name in prefer else []
    for value in chain(preferred, _proposals(entry, random, question)):
        try:
            entry.answer(question.name, value, **question.at)
        except Refused:
            continue
        return


def _proposals(entry: Entry, random: Random, question: Question) -> Iterator[object]:
    if not question.required and random.random() < 0.3:
        yield None
    for _ in range(8):
        if question.control in ("select_one", "select_multiple", "rank"):
            offered = list(entry.choices(question.name, **question.at))
            count = random.randint(1, len(offered)) if question.control == "select_multiple" else 1
            yield random.sample(offered, len(offered) if question.control == "rank" else min(count, 2))
        else:
            yield _value(random, question)
    if question.control == "select_one":
        yield from ([choice] for choice in entry.choices(question.name, **question.at))
    elif question.type == "string":
        yield from TEXTS
    yield None


def _value(random: Random, question: Question) -> object:
    today = datetime.now(ZoneInfo(TIME_ZONE)).date()
    day = today + timedelta(days=int(random.triangular(-3000, 60, -900)))
    match question.type:
        case "integer":
            return random.choice([random.randint(-2, 12), random.randint(0, 90), random.randint(1900, today.year)])
        case "decimal":
            return round(random.uniform(-5, 400), 2)
        case "date":
            return random.choice([day, day, today, date(random.randint(1920, today.year), 5, 17)])
        case "dateTime":
            return f"{day}T{random.randint(0, 23):02}:30:00.000+07:00"
        case "geopoint":
            return random.uniform(7.5, 24), random.uniform(101, 110), random.randint(0, 900), random.choice([4, 20, 75])
        case "binary":
            return f"{random.randint(1, 10**12)}.jpg"
    return random.choice(TEXTS)


def _grow(entry: Entry, random: Random, added: set[Place], instances: int) -> bool:
    """Go into one more instance of a repeat that is shown, perhaps; False where none is wanted."""
    shown = {tuple(question.at.items()) for question in entry.questions() if question.at}
    for place in sorted(shown):
        *outer, (repeat, number) = place
        if place in added or number >= instances:
            continue
        added.add(place)
        if random.random() < 0.6 and (*outer, (repeat, number + 1)) not in shown:
            try:
                while entry.add(repeat, **dict(outer)) <= number:
                    pass
            except (NotRelevant, EngineError):
                continue
            return True
    return False
