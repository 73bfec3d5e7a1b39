"""A list by filter as paper: communes hand it to hamlets, which sign for each person and give it back.

What answers is imported when somebody asks: it is heavy, and a server starts without it.
"""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import OVERSEERS, READERS
from mapper.errors import NotFound, mark
from mapper.services import filter_words
from mapper.services.people_copy import NotReady
from mapper.services.people_words import STATES, PeopleWords
from mapper.web.accounts import only_for, reader
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language
from mapper.web.wanted import page_asked, read_wanted

list_paper = Blueprint("list_paper", __name__)
_only_for_readers = only_for(*READERS)


@list_paper.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@list_paper.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@list_paper.get("/list/paper")
def page() -> str | AnyResponse:
    """The people of a filter hamlet by hamlet, with a column to sign in; ``page`` where they are very many."""
    from mapper.services import filter_lists

    at = read_wanted(program=True)
    if at is None:
        raise NotFound(mark("No campaign, or no boundary set, is published yet."))
    reference, user, language = installation().reference, reader(), chosen_language()
    try:
        shown = filter_lists.people(reference, user, at.question, page_asked(), filter_lists.MOST_AT_ONCE)
    except NotReady:
        # The page of the list shows how far the preparation is.
        return redirect(f"{url_for('lists.page')}?{at.query(view='people')}")
    of = shown.of
    words = PeopleWords.of(reference, of.campaign, language, at.asked.day)
    priorities = filter_lists.priority_words(reference, of.campaign.id, language)

    def word(written: str) -> str:
        return priorities.get(written) or words.reason(written)

    return render_template(
        "list_paper.html",
        asked=at.asked,
        shown=shown,
        hamlets=[(place, list(rows)) for place, rows in groupby(shown.rows, lambda one: one.place)],
        told=filter_words.in_words(at.wanted, of.known, of.places, of.campaign, language, word),
        campaign=of.campaign.label[language],
        words=words,
        states=STATES,
        phones=user.role in OVERSEERS,
        back=f"{url_for('lists.page')}?{at.query(view='people')}",
        turn=lambda number: f"{url_for('list_paper.page')}?{at.query(page=number, lang=request.args.get('lang'))}",
    )
