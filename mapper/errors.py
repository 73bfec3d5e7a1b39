"""Named conditions that a user can cure, on the lowest floor so that every room can raise them.

An error carries its message as a template and the facts that fill it, so that the edge (a page, the
phone, the command line) can say it in the reader's language. The one table from error to HTTP status
stands in ``server.py``.

    MapperError
    ├── InvalidInput          what was sent cannot be used: malformed, out of range, incomplete
    │   ├── MalformedXml      not XML, or XML of a dangerous kind
    │   ├── InvalidForm       a workbook that does not make a usable form
    │   ├── InvalidCampaign   a campaign.toml that contradicts itself or its form
    │   ├── InvalidBoundaries a boundary file that cannot become a set
    │   └── InvalidQuestion   a figure asked for in a way that has no answer
    ├── NotSupported          well said, but nothing that this server does
    ├── TooLarge              over a limit that the operator can read in the settings
    ├── NotFound              nothing of that name here (or not for this user)
    ├── Conflict              contradicts what is stored; nothing was changed
    ├── SignInRequired        no credentials, or credentials that do not open anything
    ├── Forbidden             signed in, but not for this
    ├── TooManyTries          signing in failed too often of late; to wait is the cure
    └── Unavailable           a fault on this side; trying again later is right
        └── NoRoom            the disk of the database is full
"""

from __future__ import annotations

from traceback import extract_tb


class MapperError(Exception):
    """A condition with its facts and its cure.

    message: an English sentence with ``{named}`` places, also the key of its translation.
    facts: what fills the places; values are shown to users, so never a secret.
    """

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    def __str__(self) -> str:
        return self.message.format(**self.facts) if self.facts else self.message


class InvalidInput(MapperError):
    """What was sent cannot be used."""


class MalformedXml(InvalidInput):
    """Not XML, or XML that asks for entities, external files or endless nesting."""


class InvalidForm(InvalidInput):
    """A workbook that does not make a usable form."""


class InvalidCampaign(InvalidInput):
    """A campaign.toml that contradicts itself or its form."""


class InvalidBoundaries(InvalidInput):
    """A boundary file that cannot become a boundary set."""


class InvalidQuestion(InvalidInput):
    """A figure asked for in a way that has no answer."""


class NotSupported(MapperError):
    """Well said in the protocol's words, but nothing that this server does."""


class TooLarge(MapperError):
    """Over a limit that the operator can read, and change, in the settings."""


class NotFound(MapperError):
    """Nothing of that name here, or not for this user."""


class Conflict(MapperError):
    """Contradicts what is stored; nothing was changed."""


class SignInRequired(MapperError):
    """No credentials, or credentials that open nothing."""


class Forbidden(MapperError):
    """Signed in, but not for this."""


class TooManyTries(MapperError):
    """Signing in failed too often of late. facts: minutes to wait."""


class Unavailable(MapperError):
    """A fault on this side; trying again later is right."""


class NoRoom(Unavailable):
    """The disk of the database is full; what needs no room goes on."""


def trace(fault: BaseException) -> str:
    """Kind and place of a fault, for the log; without its message, which may hold somebody's answers."""
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(fault.__traceback__)]
    return " <- ".join([type(fault).__name__, *reversed(places)])


def mark(message: str) -> str:
    """Mark a sentence for the translators without translating it here: ``raise NotFound(mark("..."))``."""
    return message
