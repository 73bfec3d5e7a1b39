"""The page of samples: what a campaign's figures are worth, lots to check after it, and cluster surveys from a file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from babel.numbers import format_decimal
from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import READERS
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, MapperError, TooLarge, mark
from mapper.formats.survey_file import TEMPLATE
from mapper.services import lot_drawing, lot_sheet, lots, sampling
from mapper.services.lot_drawing import Plan, usual_plan
from mapper.services.lots import REASONS, Told
from mapper.stats.lots import Judgement, Rule, Verdict, characteristic
from mapper.stats.surveys import Estimate
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask
from mapper.web.assets import STATIC
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.outside import outside
from mapper.web.uploads import LONG_TABLE_MB, content

FONTS = STATIC / "vendor" / "be-vietnam-pro"
LISTED = 30
"""Lots shown at once, the newest."""

COVERAGES = (0.60, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95, 0.98, 1.0)
"""Coverages of which a rule's chances are shown."""

VERDICTS = {
    Verdict.OPEN: (mark("Still open"), "undecided"),
    Verdict.ACCEPTED: (mark("Accepted"), "met"),
    Verdict.REFUSED: (mark("Not accepted"), "not_met"),
}
"""What a verdict is called, and the class of its colour."""

surveys = Blueprint("surveys", __name__)
_only_for_readers = only_for(*READERS)


@surveys.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@surveys.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@surveys.get("/surveys")
def page() -> str:
    """What the figures are worth, and lots: those drawn, and a new one."""
    return _page(ask())


@surveys.post("/surveys/lots")
def draw() -> AnyResponse | tuple[str, int]:
    """Draw the houses of a lot."""
    asked = ask(request.form)
    if asked is None:
        raise InvalidInput(mark("No campaign is published yet."))
    try:
        if asked.area is None:
            raise InvalidInput(mark("Choose the area of the lot first, a commune for example."))
        plan = _plan()
        made = lot_drawing.draw(
            installation().reference, reader(), asked.question(), asked.area, plan, datetime.now(UTC)
        )
    except InvalidInput as problem:
        return _page(asked, lot_problem=problem), 400
    return redirect(url_for("surveys.lot", number=made))


@surveys.get("/surveys/lots/<int:number>")
def lot(number: int) -> str:
    """A lot: its rule, the houses to go to, what was found, and what that says."""
    return _lot_page(number)


@surveys.get("/surveys/lots/<int:number>/sheet.pdf")
def sheet(number: int) -> Response:
    """The houses of a lot on paper; its QR code opens the page on which findings are entered."""
    here = installation()
    address = outside("surveys.lot", number=number)
    pdf = lot_sheet.print_lot(
        here.reference, reader(), number, address, chosen_language(), here.settings.project_name, FONTS
    )
    response = Response(pdf, mimetype="application/pdf")
    response.headers.set("Content-Disposition", "inline", filename=f"lot-{number}.pdf")
    return response


@surveys.post("/surveys/lots/<int:number>/findings")
def found(number: int) -> AnyResponse | tuple[str, int]:
    """Keep what was found at the houses of a lot."""
    typed = request.form
    houses = {
        int(name.removeprefix("seen-")): Told(value, *(typed.get(f"{part}-{name[5:]}", "") for part in _PARTS))
        for name, value in typed.items()
        if name.startswith("seen-") and whole(name[5:], 9999) is not None
    }
    totals = Told(typed.get("seen", ""), typed.get("vaccinated", ""))
    try:
        lots.find(installation().reference, reader(), number, houses, totals, datetime.now(UTC))
    except InvalidInput as problem:
        return _lot_page(number, problem, houses, totals), 400
    return redirect(url_for("surveys.lot", number=number, _anchor="verdict"))


_PARTS = ("vaccinated", "reason")


@surveys.post("/surveys/file")
def file() -> tuple[str, int]:
    """What the table of a cluster survey says; the file is not kept."""
    given = request.files.get("file")
    try:
        data = content(given, LONG_TABLE_MB) if given is not None and given.filename else b""
        if given is None or not given.filename:
            raise InvalidInput(mark("Choose the CSV of the survey."))
        estimate = sampling.of_file(data)
    except (InvalidInput, TooLarge) as problem:
        return _page(ask(request.form), file_problem=problem), 413 if isinstance(problem, TooLarge) else 400
    return _page(ask(request.form), from_file=estimate, file_name=given.filename), 200


@surveys.get("/surveys/template.csv")
def template() -> Response:
    """A table to begin with."""
    response = Response("\ufeff" + TEMPLATE, mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename="survey.csv")
    return response


def _page(
    asked: Asked | None,
    lot_problem: MapperError | None = None,
    file_problem: MapperError | None = None,
    from_file: Estimate | None = None,
    file_name: str = "",
) -> str:
    words = {"percent": percent, "decimal": decimal, "told_plainly": told_plainly, "VERDICTS": VERDICTS}
    told: dict[str, Any] = {
        "asked": asked,
        "lot_problem": say(lot_problem) if lot_problem is not None else None,
        "file_problem": say(file_problem) if file_problem is not None else None,
        "from_file": from_file,
        "file_name": file_name,
    }
    if asked is not None:
        reference, user, question = installation().reference, reader(), asked.question()
        target = next(
            (
                dose["target"]
                for group in asked.campaign["groups"]
                for dose in group["doses"]
                if (group["code"], dose["code"]) == (question.group_code, question.dose_code)
            ),
            None,
        )
        standing = sampling.standing(reference, user, question, asked.area)
        told |= {
            "standing": standing,
            "lots": lots.lines(reference, user, question.campaign_id, LISTED),
            "plan": _typed_plan(usual_plan(target)),
            "frame": lot_drawing.counts_of(standing.hamlets) if asked.area is not None else None,
        }
    return render_template("surveys.html", **told, **words)


def _lot_page(
    number: int, problem: MapperError | None = None, typed: dict[int, Told] | None = None, totals: Told | None = None
) -> str:
    shown = lots.lot(installation().reference, reader(), number)
    return render_template(
        "lot.html",
        shown=shown,
        problem=say(problem) if problem is not None else None,
        typed=typed,
        totals=totals,
        rule_words=rule_words(shown.rule),
        verdict_words=verdict_words(shown.judgement) if shown.judgement is not None else [],
        chances=characteristic(shown.rule, COVERAGES),
        REASONS=REASONS,
        VERDICTS=VERDICTS,
        percent=percent,
    )


def _plan() -> Plan:
    """The plan of the form that was sent. Raises InvalidInput for what is no number."""
    typed = request.form
    allowed = typed.get("allowed", "").strip()
    return Plan(
        _whole(typed.get("people", ""), say("People to look at")),
        _share(typed.get("lower", ""), say("Bad coverage")),
        _share(typed.get("upper", ""), say("Good coverage")),
        _whole(allowed, say("Unvaccinated allowed")) if allowed else None,
        _share(typed.get("risk", ""), say("Risk of accepting a bad lot")),
    )


def _typed_plan(usual: Plan) -> dict[str, str]:
    """What stands in the form: what was sent, else what is usual."""
    shown = {
        "people": str(usual.people),
        "lower": _plain(usual.lower),
        "upper": _plain(usual.upper),
        "allowed": "",
        "risk": _plain(usual.risk),
    }
    return {name: request.form.get(name, value) for name, value in shown.items()}


def _plain(share: float) -> str:
    """A share as per cent without its sign, as the form takes it."""
    return f"{round(100 * share, 2):g}"


def _whole(text: str, name: str) -> int:
    number = whole(text.strip(), 99_999)
    if number is None:
        raise InvalidInput(mark("{name}: {value} is no whole number."), name=name, value=text.strip()[:20] or "–")
    return number


def _share(text: str, name: str) -> float:
    text = text.strip().removesuffix("%").strip().replace(",", ".")
    if not text.replace(".", "", 1).isdecimal() or not text.isascii() or not float(text) <= 100:
        raise InvalidInput(mark("{name}: {value} is no share from 0 to 100 %."), name=name, value=text[:20] or "–")
    return float(text) / 100


def rule_words(rule: Rule) -> list[str]:
    """What a rule does and how often it is wrong, in sentences."""
    facts: dict[str, object] = {"people": rule.n, "allowed": rule.d}
    return [
        say("Look at {people} people. The lot is accepted if at most {allowed} of them are not vaccinated.", **facts),
        say(
            "If really only {lower} are vaccinated, there is still a chance of {risk} that this lot is accepted.",
            lower=percent(rule.lower),
            risk=percent(rule.wrongly_accepted),
        ),
        say(
            "If really {upper} are vaccinated, there is a chance of {risk} that this lot is not accepted.",
            upper=percent(rule.upper),
            risk=percent(rule.wrongly_refused),
        ),
    ]


def verdict_words(said: Judgement) -> list[str]:
    """What the findings say, in sentences."""
    facts: dict[str, object] = {"seen": said.seen, "unvaccinated": said.unvaccinated, "allowed": said.rule.d}
    told = [say("{unvaccinated} of {seen} people seen are not vaccinated; {allowed} are allowed.", **facts)]
    if said.verdict is Verdict.OPEN:
        told.append(say("{lacking} people are still to be looked at.", lacking=said.lacking))
        if said.now is not None and said.now.d < 0:
            told.append(say("So few people are not enough to accept the lot, whatever was found."))
        elif said.now is not None:
            told.append(
                say(
                    "If nobody more can be looked at: with {seen} people, {allowed} unvaccinated would be allowed.",
                    seen=said.seen,
                    allowed=said.now.d,
                )
            )
        return told
    if said.verdict is Verdict.ACCEPTED:
        told.append(
            say(
                "If really only {lower} were vaccinated, the lot would still be accepted in {risk} of cases.",
                lower=percent(said.rule.lower),
                risk=percent(said.rule.wrongly_accepted),
            )
        )
    else:
        if said.lacking:
            told.append(say("Whatever the {lacking} people not yet seen show, this stays so.", lacking=said.lacking))
        told.append(
            say(
                "If really {upper} were vaccinated, the lot would be refused all the same in {risk} of cases.",
                upper=percent(said.rule.upper),
                risk=percent(said.rule.wrongly_refused),
            )
        )
        told.append(say("Go to this area again before the team leaves, and ask those not vaccinated why."))
    return told


def told_plainly(found: Estimate) -> list[str]:
    """What a cluster survey says, in sentences, the plainest first."""
    if found.wilson is None:
        return [
            say(
                "{people} people of {clusters} clusters were asked: {share} of them are vaccinated.",
                people=decimal(found.people, 0),
                clusters=decimal(found.clusters, 0),
                share=percent(found.share),
            ),
            say(
                "How far this may be from the truth cannot be said: a stratum needs two clusters or more, better "
                "thirty in all. Do not take it for the coverage of the area."
            ),
        ]
    told = [
        say(
            "Most likely {share} are vaccinated; the truth lies between {low} and {high} in 95 of 100 such surveys.",
            share=percent(found.share),
            low=percent(found.wilson.low),
            high=percent(found.wilson.high),
        )
    ]
    if found.alike:
        told.append(
            say(
                "All clusters are alike, so that the survey cannot say how far people of one cluster resemble each "
                "other. If each cluster told no more than one person, the truth would lie between {low} and {high}.",
                low=percent(found.cautious.low if found.cautious else None),
                high=percent(found.cautious.high if found.cautious else None),
            )
        )
    elif found.effective is not None:
        told.append(
            say(
                "{people} people were asked in {clusters} clusters. Since neighbours are alike, they tell as much as "
                "{effective} people drawn one by one.",
                people=decimal(found.people, 0),
                clusters=decimal(found.clusters, 0),
                effective=decimal(found.effective, 0),
            )
        )
    return told


def percent(share: float | None, digits: int = 1) -> str:
    """A share as per cent; one that is neither none nor all never looks as if it were."""
    if share is None:
        return "–"
    shown = round(100 * share, digits)
    least = 10.0**-digits
    if 0 < share < 1:
        shown = min(max(shown, least), 100 - least)
    text = decimal(shown, 0 if shown == int(shown) else digits)
    return f"{text}\u202f%" if chosen_language() == "vi" else f"{text}%"


def decimal(number: float, digits: int = 2) -> str:
    """A number with so many decimals, in the reader's writing."""
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return str(format_decimal(number, format=pattern, locale=chosen_language()))
