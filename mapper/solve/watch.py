"""The clock of a solve, what it tells meanwhile, and whether it is still wanted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mapper.solve.siting import Limits, Siting, Stop


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a solve is. objective, bound: the best so far, None where there is none yet."""

    seconds: float
    objective: float | None
    bound: float | None


@dataclass(eq=False)
class Watch:
    """One solve from its first second on.

    progress: told now and then. incumbent: told each better plan, the first within moments. cancelled: asked now and
    then; once it says yes the solve ends with the best plan so far. All are called in the thread that solves.
    """

    limits: Limits = field(default_factory=Limits)
    progress: Callable[[Progress], None] | None = None
    incumbent: Callable[[Siting], None] | None = None
    cancelled: Callable[[], bool] | None = None
    began: float = field(default_factory=time.monotonic)
    unwanted: bool = False

    @property
    def seconds(self) -> float:
        """Since the solve began."""
        return time.monotonic() - self.began

    @property
    def remaining(self) -> float:
        """Seconds that are left, from 0."""
        return max(0.0, self.limits.seconds - self.seconds)

    def over(self) -> Stop | None:
        """Why to end now; None to go on."""
        self.unwanted = self.unwanted or (self.cancelled is not None and self.cancelled())
        if self.unwanted:
            return Stop.CANCELLED
        return Stop.TIME if self.remaining == 0 else None

    def part(self) -> Watch:
        """For a solve that is a step of this one: to the optimum, in the time that is left, telling nobody."""
        return Watch(Limits(self.remaining, 0.0, seed=self.limits.seed), cancelled=self.cancelled)

    def tell(self, objective: float | None, bound: float | None) -> None:
        """How far it is."""
        if self.progress is not None:
            self.progress(Progress(self.seconds, objective, bound))

    def better(self, plan: Callable[[], Siting]) -> None:
        """A better plan, made only where somebody wants to know it."""
        if self.incumbent is not None:
            self.incumbent(plan())
