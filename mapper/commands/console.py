"""What every command is given: the settings, the database when it asks for it, words in the operator's language."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import click

from mapper.language import translate
from mapper.services.reference import Reference
from mapper.settings import Settings

Work = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Console:
    """One run of the command line. opened: the database of the settings, its schema up to date."""

    settings: Settings
    opened: Callable[[], Reference]

    def say(self, message: str, **facts: object) -> str:
        """A sentence in the operator's language."""
        return translate(message, self.settings.language, **facts)

    def bar(self, label: str, length: int | None = None) -> Any:
        """A bar on the error stream. In a script's log it says nothing, and an error is to stand alone."""
        return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())


def command(group: click.Group, name: str, help_text: str, *params: click.Parameter) -> Callable[[Work], None]:
    """Decorator that makes a function a command of a group."""

    def add(work: Work) -> None:
        group.add_command(click.Command(name, callback=work, params=list(params), help=help_text))

    return add


def as_day(moment: datetime | None) -> date | None:
    """The day that an option of ``click.DateTime`` names."""
    return moment.date() if moment else None
