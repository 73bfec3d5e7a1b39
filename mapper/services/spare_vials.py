"""How full the vials are that a session opens: whether it is worth to be held, and with how many people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mapper.domain.planning import PlanningRules
from mapper.services.turns import Comer
from mapper.services.vaccine_need import doses_of


class FilledVials:
    """By the rules of a campaign: their ``filled`` is the least share of the doses of opened vials that is given.

    A team keeps no opened vial for another day. A dose of which no vial is known opens none, so that it counts as given
    in full.
    """

    def __init__(self, rules: PlanningRules) -> None:
        self.least = float(rules.filled)
        self._columns = {one.code: column for column, one in enumerate(rules.formulations)}
        self._sizes = np.array([one.vial.doses for one in rules.formulations] + [1], np.int64)

    def doses(self, comers: Sequence[Comer]) -> NDArray[np.int64]:
        """(comers, formulations + 1): doses of each; the last column are those of no vial that is known."""
        found = np.zeros((len(comers), len(self._sizes)), np.int64)
        for row, one in enumerate(comers):
            for code, doses in doses_of([one.person]).items():
                found[row, self._columns.get(code, -1)] += doses
        return found

    def share(self, doses: NDArray[np.int64]) -> NDArray[np.float64]:
        """(..., formulations + 1) doses due at a session -> (...): the share given of the vials it opens, 1 of none."""
        opened = (-(-doses // self._sizes) * self._sizes).sum(axis=-1)
        share: NDArray[np.float64] = np.where(opened, doses.sum(axis=-1) / np.maximum(opened, 1), 1.0)
        return share

    def enough(self, doses: NDArray[np.int64], before: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
        """Whether sessions fill their vials to the least share, or no less than the session that was there before."""
        least = self.least if before is None else min(self.least, float(self.share(before)))
        enough: NDArray[np.bool_] = self.share(doses) >= least - 1e-9
        return enough
