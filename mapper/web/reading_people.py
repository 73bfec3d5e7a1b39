"""While people are read for a page: how far that is, set off by whoever asks first."""

from __future__ import annotations

from flask import Response, jsonify

from mapper.services import ways
from mapper.services.background import Progress, Stage, Standing
from mapper.services.ways import Missing
from mapper.web.installation import installation


def be_read(missing: Missing, again: bool = False) -> Standing[int]:
    """How far the reading of what is missing is; it is set off where nobody reads it yet.

    again: also where it failed.
    """
    here = installation()
    standing = here.ages.look(missing.key)
    if standing is not None and standing.stage is Stage.FAILED and not again:
        return standing

    def work(told: Progress) -> int:
        ways.read(here.reference, missing, told)
        return missing.people

    # What was read once may be missing again: no result stands for another.
    return here.ages.ask(missing.key, object(), work, again=again)


def reading_progress(missing: Missing | None) -> Response:
    """The same for a page's script."""
    if missing is None:
        return jsonify(stage=Stage.DONE, share=1)
    standing = be_read(missing)
    return jsonify(stage=standing.stage, share=round(standing.share, 3))
