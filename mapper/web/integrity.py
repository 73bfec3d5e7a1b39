"""The page on which supervisors look at canvassers' forms again, and that of houses drawn for a second interview."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, flash, get_flashed_messages, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import OVERSEERS
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, MapperError, NotFound, TooLarge, mark
from mapper.services import audit, back_check_round, back_check_sheet, back_checks, reporting
from mapper.services import integrity as service
from mapper.services.back_checks import HOUSES, MOST_HOUSES, Told
from mapper.services.background import Progress, Stage, Standing
from mapper.services.integrity import Examined, FormTold, Period
from mapper.stats import integrity as signs
from mapper.stats.integrity import Beside, Evidence
from mapper.stats.second_interview import Agreement
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask
from mapper.web.follow_up import FONTS
from mapper.web.hot_spots import decimal, percent
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.pages import moment

SPANS = (31, 92, 366)
"""Days that a page may look back over."""

LINKED = 12
"""Forms of a sign that the page leads to."""

FRESH_S = 600
"""So long what was found before will do while forms come in."""

NAMES = {
    "short": mark("Very short interviews"),
    "pace": mark("Interviews that overlap, or too far apart for the time between"),
    "spot": mark("Many houses at one spot"),
    "line": mark("Positions exactly on a line"),
    "grid": mark("Rounded positions"),
    "accuracy": mark("The same accuracy everywhere"),
    "copied": mark("Households nearly alike in a row"),
    "night": mark("Interviews at night"),
    "unmet": mark("Nobody met, or refused, more often than nearby"),
    "ages": mark("Ages that end in 0 or 5"),
    "dates": mark("One dose date nearly everywhere"),
}
"""What a test is called."""

SEEN = {
    "short": mark("{odd} of {of} interviews took less time than the questions need."),
    "pace": mark("{odd} of {of} times the next form was opened before the last was finished, or too soon for the way."),
    "spot": mark("{odd} of {of} houses stand within 12 m of three others or more of the same canvasser."),
    "line": mark("{odd} of {of} times three houses in a row lie on a straight line to half a metre."),
    "grid": mark("{odd} of {of} positions are rounded to some ten metres both ways."),
    "accuracy": mark("{odd} of {of} positions have exactly the same accuracy."),
    "copied": mark("{odd} of {of} households gave nearly the same answers as one asked shortly before."),
    "night": mark("{odd} of {of} forms were opened between 22:00 and 5:00."),
    "unmet": mark("At {odd} of {of} houses nobody was met, or they refused."),
    "ages": mark("{odd} of {of} people over ten years have an age that ends in 0 or 5."),
    "dates": mark("In {odd} of {of} households somebody has one and the same dose date."),
}
"""What was seen, in a sentence."""

REASONS = {
    "short": mark("It may be explained by a form that was filled from a list, or finished on the phone later."),
    "pace": mark("It may be explained by one phone account that several people use, or by a form opened again later."),
    "spot": mark("It may be explained by a block of flats, a row of rooms for workers, or a boat."),
    "line": mark("It may be explained by a straight row of houses."),
    "grid": mark("It may be explained by a phone that rounds its positions to protect its owner."),
    "accuracy": mark("It may be explained by a phone that always tells the same accuracy."),
    "copied": mark("It may be explained by a household that was sent twice."),
    "night": mark("It may be explained by a phone with a wrong clock, or by families who are home at night only."),
    "unmet": mark("It may be explained by a hamlet where many work away, or by visits in working hours."),
    "ages": mark("It may be explained by families who know ages only roughly."),
    "dates": mark("It may be explained by one vaccination day for the whole hamlet."),
}
"""What may lie behind it without anybody having done wrong."""

QUESTIONS = {
    "came": mark("Somebody had come to ask"),
    "people": mark("How many people live here"),
    "lives": mark("This person lives here"),
    "born": mark("Year of birth"),
    "sex": mark("Sex"),
    "doses": mark("Number of doses"),
}

integrity = Blueprint("integrity", __name__)
_only_for_overseers = only_for(*OVERSEERS)


@integrity.before_request
def _guard() -> AnyResponse | None:
    return _only_for_overseers()


@integrity.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@integrity.get("/integrity")
def page() -> str:
    """Signs in canvassers' forms with their evidence; sets the reading of the forms off."""
    return _page(ask())


def _page(asked: Asked | None, problem: MapperError | None = None) -> str:
    if asked is None:
        return render_template("integrity.html", asked=None)
    here, user, span = installation(), reader(), _span()
    period = _period(asked, span)
    standing = _examined(asked, span, again=bool(request.args.get("again")))
    shown = service.shown(here.reference, user, period, standing.made)
    if shown.open or shown.closed:
        facts = {"campaign": period.campaign_id, "area": str(period.area or ""), "number": len(shown.open)}
        audit.record_seen(here.reference, user.id, user.name, "integrity.seen", "", facts)
    return render_template(
        "integrity.html",
        asked=asked,
        period=period,
        span=span,
        spans=SPANS,
        standing=standing,
        shown=shown,
        old=standing.made is not None and standing.made_from != reporting.version(here.reference),
        made_at=standing.made_at.isoformat() if standing.made_at else None,
        draws=back_checks.lines(here.reference, user, period.campaign_id),
        query=lambda **other: asked.query(span=span, **other),
        tests=signs.TESTS,
        each=round(1 / signs.EACH),
        all_tests=round(1 / signs.ALL),
        names=NAMES,
        seen=_seen,
        chance=_chance,
        told_by=_told_by,
        together=_together,
        reasons=REASONS,
        linked=LINKED,
        usual_houses=HOUSES,
        percents=back_check_round.PERCENTS,
        least=back_check_round.LEAST,
        most_houses=MOST_HOUSES,
        most_words=service.MOST_WORDS,
        limit=service.MOST,
        problem=say(problem) if problem is not None else None,
        done=get_flashed_messages(),
        percent=percent,
        decimal=decimal,
    )


@integrity.get("/integrity/progress")
def progress() -> Response:
    """How far the reading of this address is, for the page's script."""
    asked = ask()
    if asked is None:
        return jsonify(stage=Stage.DONE, share=1)
    standing = installation().integrity.look(_key(asked, _span())) or _examined(asked, _span())
    return jsonify(stage=standing.stage, share=round(standing.share, 3))


@integrity.post("/integrity/stop")
def stop() -> AnyResponse:
    """Stop a reading that waits or runs, for everybody who waits for the same one."""
    asked = ask()
    if asked is None:
        raise InvalidInput(mark("No campaign is published yet."))
    installation().integrity.stop(_key(asked, _span()))
    return redirect(_address(asked))


@integrity.post("/integrity/notes")
def note() -> AnyResponse | tuple[str, int]:
    """Note how a sign is explained, or take that back."""
    asked, typed, reference = _asked_again(), request.form, installation().reference
    of = asked.state["campaign"], _number(typed.get("canvasser", "")), typed.get("sign", "")
    try:
        if typed.get("again"):
            service.open_again(reference, reader(), *of)
            flash(say("Opened again."))
        else:
            service.explain(reference, reader(), *of, _number(typed.get("upto", "")), typed.get("words", ""))
            flash(say("Noted. It stays closed until newer forms show the same."))
    except InvalidInput as problem:
        return _page(asked, problem), 400
    return redirect(_address(asked))


@integrity.post("/integrity/back-checks")
def draw() -> AnyResponse | tuple[str, int]:
    """Draw houses for a second interview."""
    asked, typed = _asked_again(), request.form
    checker = typed.get("checker", "")
    try:
        made = back_checks.draw_houses(
            installation().reference,
            reader(),
            _period(asked, _span()),
            _number(typed.get("canvasser", "")),
            _number(checker) if checker else None,
            _number(typed.get("houses", "")),
        )
    except InvalidInput as problem:
        return _page(asked, problem), 400
    return redirect(url_for("integrity.back_check", number=made))


@integrity.post("/integrity/back-checks/round")
def draw_round() -> AnyResponse | tuple[str, int]:
    """Draw a share of the houses of every canvasser of the area."""
    asked, typed = _asked_again(), request.form
    try:
        made = back_check_round.draw_round(
            installation().reference,
            reader(),
            _period(asked, _span()),
            _number(typed.get("percent", "")),
            typed.get("goes") == "ring",
            typed.get("seed", ""),
        )
    except (InvalidInput, TooLarge) as problem:
        return _page(asked, problem), 400
    told = say(
        "{houses} houses of {people} canvassers were drawn. Seed {seed}.",
        houses=decimal(made.houses, 0),
        people=decimal(len(made.numbers), 0),
        seed=made.seed,
    )
    more = say("Of {people} canvassers all were drawn before.", people=made.left_out) if made.left_out else ""
    flash(f"{told} {more}".strip())
    return redirect(f"{_address(asked)}#second")


@integrity.get("/integrity/back-checks/<int:number>/sheet.pdf")
def sheet(number: int) -> Response:
    """The houses of a draw on paper, for whoever goes there."""
    here = installation()
    pdf = back_check_sheet.print_check(
        here.reference, reader(), number, chosen_language(), here.settings.project_name, FONTS
    )
    response = Response(pdf, mimetype="application/pdf")
    response.headers.set("Content-Disposition", "inline", filename=f"second-interviews-{number}.pdf")
    return response


@integrity.get("/integrity/back-checks/<int:number>")
def back_check(number: int) -> str:
    """Houses to interview again, and how far both interviews agree."""
    return _back_check(number)


@integrity.post("/integrity/back-checks/<int:number>")
def told(number: int) -> AnyResponse | tuple[str, int]:
    """Keep what the second interview of a house told."""
    typed = request.form
    position = _number(typed.get("position", ""))
    persons = tuple(
        (lives.strip(), born.strip(), sex.strip(), doses.strip())
        for lives, born, sex, doses in zip(*(typed.getlist(name) for name in _PARTS), strict=False)
    )
    one = Told(typed.get("outcome", ""), typed.get("came", ""), typed.get("people", "").strip(), persons)
    try:
        back_checks.tell(installation().reference, reader(), number, position, one)
    except InvalidInput as problem:
        return _back_check(number, problem), 400
    return redirect(url_for("integrity.back_check", number=number, _anchor=f"house-{position}"))


_PARTS = ("lives", "born", "sex", "doses")


def _back_check(number: int, problem: MapperError | None = None) -> str:
    shown = back_checks.back_check(installation().reference, reader(), number)
    return render_template(
        "back_check.html",
        shown=shown,
        problem=say(problem) if problem is not None else None,
        questions=QUESTIONS,
        kappa=_kappa,
        answers_of=back_checks.answers_of,
        differences=back_checks.differences,
        answer=_answer,
        interval=_interval,
    )


def _asked_again() -> Asked:
    asked = ask(request.form)
    if asked is None:
        raise InvalidInput(mark("No campaign is published yet."))
    return asked


def _span() -> int:
    written = request.values.get("span", "")
    return int(written) if written in map(str, SPANS) else SPANS[0]


def _period(asked: Asked, span: int) -> Period:
    first = asked.day - min(timedelta(days=span - 1), asked.day - date.min)
    return Period(asked.state["campaign"], first, asked.day, asked.state["set"], asked.area)


def _key(asked: Asked, span: int) -> tuple[object, ...]:
    return _period(asked, span), reader().areas


def _examined(asked: Asked, span: int, again: bool = False) -> Standing[Examined]:
    here, user, period = installation(), reader(), _period(asked, span)

    def work(progress: Progress) -> Examined:
        return service.examine(here.reference, user, period, progress)

    return here.integrity.ask(_key(asked, span), reporting.version(here.reference), work, FRESH_S, again)


def _address(asked: Asked) -> str:
    return f"{url_for('integrity.page')}?{urlencode(asked.query(span=_span()))}"


def _number(text: str) -> int:
    number = whole(text.strip())
    if number is None:
        raise NotFound(mark("{value} is no number of the page. Load the page again."), value=text.strip()[:20] or "–")
    return number


def _seen(one: Evidence) -> str:
    """What was seen, in a sentence."""
    return say(SEEN[one.test], odd=decimal(one.odd, 0), of=decimal(one.of, 0))


def _together(two: Beside) -> str:
    """What two forms have in common that makes them odd together."""
    if two.share is not None:
        return say("{share} of the answers are equal.", share=percent(two.share, 0))
    minutes = abs(two.gap_s or 0.0) / 60
    if two.gap_s is not None and two.gap_s < 0:
        return say("They overlap by {minutes} minutes.", minutes=decimal(minutes))
    facts = {"minutes": decimal(minutes), "metres": decimal(two.metres or 0.0, 0)}
    return say("{minutes} minutes from the end of one to the other, {metres} m apart.", **facts)


def _told_by(form: FormTold) -> str:
    """When a form was opened, for how long, and where: what can be held against the day of the canvasser."""
    parts = [moment(form.opened)] if form.opened else []
    if form.minutes is not None:
        parts.append(say("open for {minutes} minutes", minutes=decimal(form.minutes)))
    if form.people:
        parts.append(say("{number} people", number=decimal(form.people, 0)))
    if form.lat is not None and form.lon is not None:
        parts.append(f"{form.lat:.5f}, {form.lon:.5f}")
    if form.accuracy_m is not None:
        parts.append(f"± {decimal(form.accuracy_m)} m")
    return " · ".join(parts)


def _chance(one: Evidence) -> str:
    """How often that comes about by chance, in a sentence."""
    facts: dict[str, Any] = {"share": percent(one.usual, 0)}
    if one.chance < 1e-6:
        return say("An honest canvasser may have up to {share}; so many by chance: less than 1 in a million.", **facts)
    times = decimal(round(1 / one.chance), 0)
    return say("An honest canvasser may have up to {share}; so many by chance: 1 in {times}.", times=times, **facts)


_ANSWERS = {"yes": mark("yes"), "no": mark("no"), "male": mark("male"), "female": mark("female")}


def _answer(told: str) -> str:
    """An answer to a question of the second interview, in words."""
    return say(_ANSWERS[told]) if told in _ANSWERS else told


def _interval(one: Agreement) -> str:
    """Between which shares the agreement lies."""
    low, high = one.interval
    return f"{percent(low, 0)} – {percent(high, 0)}"


def _kappa(one: Agreement) -> str:
    return "–" if one.kappa is None else decimal(one.kappa, 2)
