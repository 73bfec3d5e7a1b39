"""One submission as a supervisor looks at it: its answers in words, its versions, what is odd, what was said of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from mapper.domain.roles import Role
from mapper.errors import Forbidden, InvalidInput, MapperError, NotFound, mark
from mapper.formats.answers import Answer, read_answers
from mapper.formats.changes import Part, compare
from mapper.formats.entity_lists import served_lists
from mapper.formats.instance import read_instance
from mapper.formats.media_type import media_type
from mapper.formats.xform import ChoiceList, Node, XFormModel
from mapper.services import audit
from mapper.services.accounts import User, oversees, sees, visible_cells
from mapper.services.reference import Known, Reference
from mapper.services.review import concerns, place_name, told_place
from mapper.services.strays import stray
from mapper.store import edits, form_life, register, reviews, submissions, tallies
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.reviews import Remark
from mapper.store.submissions import StoredSubmission

REVIEWS = ("received", "has_issues", "approved")
"""How far the review of a submission is: nobody looked at it, somebody found something, it is good."""

REVIEWERS = frozenset({Role.COMMUNE_SUPERVISOR, Role.SUPERVISOR, Role.ADMINISTRATOR})
MOST_WORDS = 4000
OF_THE_PHONE = ("/meta/", "/__")
"""What stands in the path of a node that the phone fills by itself."""


@dataclass(frozen=True, slots=True)
class File:
    """An attachment. sha256: of the content, None where the phone named it and it has not come; owner: its version."""

    name: str
    sha256: str | None
    owner: str
    picture: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One answer on the page. asked: a person saw the question; the rest the form or the phone worked out by itself.

    kind: the form's type of the answer ("date", "geopoint", ...), "" where the form does not say. file: of a question
    that asks for one.
    """

    answer: Answer
    asked: bool
    kind: str
    file: File | None


@dataclass(frozen=True, slots=True)
class Version:
    """A submission, or an edit of it. number: from 1.

    changes: against the version before; None for the first.
    """

    number: int
    instance_id: str
    received_at: str
    sender: str | None
    form_version: str
    state: str
    review: str
    changes: tuple[Part, ...] | None


@dataclass(frozen=True, slots=True)
class SubmissionPage:
    """All there is to see of one version of a submission.

    problem: why its answers cannot be shown, as (message, facts). findings, reason: the same way. newest: instance id
    of the last version. other_files: what no question names. form_known: whether just this version of the form is here.
    kinds: the forms' types of the answers by their paths, for those that changed.
    """

    instance_id: str
    form_id: str
    form_version: str
    title: str
    form_known: bool
    place: str
    received_at: str
    sender: str | None
    device_id: str | None
    state: str
    review: str
    reason: tuple[str, Mapping[str, str]] | None
    problem: tuple[str, Mapping[str, object]] | None
    lines: tuple[Line, ...]
    other_files: tuple[File, ...]
    findings: tuple[tuple[str, Mapping[str, str]], ...]
    versions: tuple[Version, ...]
    kinds: Mapping[str, str]
    newest: str
    remarks: tuple[Remark, ...]
    may_review: bool


@dataclass(frozen=True, slots=True)
class Received:
    """A counted submission in a list; place: hamlet and commune."""

    instance_id: str
    form_id: str
    received_at: str
    review: str
    sender: str | None
    house: str | None
    place: str


def received(reference: Reference, user: User, limit: int, review: str | None = None) -> list[Received]:
    """The newest submissions that count, of the user's area, and in one review state where asked for."""
    with reference.database.read() as connection:
        known, cells = reference.known(connection), reference.cells(connection)
        visible = visible_cells(reference, connection, user)
        rows = reviews.received(reference.database, connection, limit, visible, review if review in REVIEWS else None)
    return [
        Received(
            *(row.instance_id, row.form_id, row.received_at, row.review or REVIEWS[0], row.sender, row.house),
            place_name(known, cells.get(row.cell_id or 0)),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class _Chain:
    """A submission that the user may see, with its versions, the original first. place: where it counts, if it does."""

    known: Known
    stored: StoredSubmission
    versions: tuple[StoredSubmission, ...]
    place: tallies.Cell | None


def _open(reference: Reference, connection: Connection, user: User, instance_id: str) -> _Chain:
    """A submission of the user's area. Raises NotFound, the same for one that is not here and one of another area.

    Its versions belong together to the place that the last of them tells; where none tells any, they are seen by
    whoever oversees their sender.
    """
    known = reference.known(connection)
    stored = submissions.read(reference.database, connection, instance_id)
    if stored is not None:
        ids = reviews.lineage(connection, instance_id)
        read = [submissions.read(reference.database, connection, each) for each in ids]
        versions = tuple(each for each in read if each is not None)
        place = next(
            (found for each in reversed(versions) if (found := _place(reference, connection, known, each))), None
        )
        if (
            sees(known, user, place)
            if place is not None
            else oversees(reference, connection, user, versions[-1].sender_id)
        ) or (
            versions[-1].state in ("flagged", "held", "received")
            and concerns(reference, connection, user, versions[-1])
        ):
            return _Chain(known, stored, versions, place)
    raise NotFound(mark("There is no submission {instance_id} in your area."), instance_id=instance_id)


def _place(reference: Reference, connection: Connection, known: Known, stored: StoredSubmission) -> tallies.Cell | None:
    """Where a submission counts; where it does not, where it would."""
    household = edits.household_of(connection, stored.instance_id) if stored.household_id is not None else None
    counted = None if household is None else register.counted(reference.database, connection, *household)
    if counted is not None:
        return reference.cells(connection).get(counted[1].cell_id)
    return told_place(reference, connection, known, stored)


def submission_page(reference: Reference, user: User, instance_id: str, language: str) -> SubmissionPage:
    """Everything about one submission; that it was seen is entered. language: of the labels. Raises NotFound."""
    page = _page(reference, user, instance_id, language)
    audit.record_seen(reference, user.id, user.name, "submission.seen", instance_id)
    return page


def _page(reference: Reference, user: User, instance_id: str, language: str) -> SubmissionPage:
    with reference.database.read() as connection:
        chain = _open(reference, connection, user, instance_id)
        stored, ids = chain.stored, [each.instance_id for each in chain.versions]
        arrivals = {each: reviews.arrival(connection, each) for each in ids}
        files = {each: submissions.attachment_hashes(connection, each) for each in ids}
        shown = {each.instance_id: _read(connection, each, language) for each in chain.versions}
        renamed = form_life.renamed_questions(connection, stored.form_id)
        own = shown[instance_id]
        lines, named = _lines(connection, own, ids[: ids.index(instance_id) + 1], files)
        outside = stray(reference, connection, chain.known, stored)
        return SubmissionPage(
            instance_id,
            stored.form_id,
            stored.form_version,
            own.model.title if own.model is not None else stored.form_id,
            own.exact,
            place_name(chain.known, chain.place),
            stored.received_at,
            arrivals[instance_id].sender,
            arrivals[instance_id].device_id,
            stored.state.value,
            arrivals[instance_id].review or REVIEWS[0],
            stored.reason,
            own.problem,
            lines,
            tuple(
                file_of(connection, name, hashes[-1], instance_id)
                for name, hashes in sorted(files[instance_id].items())
                if name not in named
            ),
            (*reviews.findings_of(connection, instance_id), *([(outside.message, outside.facts)] if outside else [])),
            tuple(
                Version(
                    number,
                    each.instance_id,
                    each.received_at,
                    arrivals[each.instance_id].sender,
                    each.form_version,
                    each.state.value,
                    arrivals[each.instance_id].review or REVIEWS[0],
                    _changes(shown, ids, number, renamed),
                )
                for number, each in enumerate(chain.versions, 1)
            ),
            {node.path: node.type for each in shown.values() for node in each.nodes.values()},
            ids[-1],
            tuple(reviews.remarks(connection, [*ids, chain.versions[0].root_id])),
            user.role in REVIEWERS,
        )


@dataclass(frozen=True, slots=True)
class _Shown:
    """A version's answers. model: of its form's version or, where that is not here, of the newest there is."""

    model: XFormModel | None
    exact: bool
    answers: tuple[Answer, ...]
    problem: tuple[str, Mapping[str, object]] | None = None

    @property
    def nodes(self) -> dict[str, Node]:
        """The form's nodes by their paths."""
        return {node.path: node for node in self.model.nodes} if self.model is not None else {}


def _read(connection: Connection, stored: StoredSubmission, language: str) -> _Shown:
    form = kept.form(connection, stored.form_id, stored.form_version)
    used = form or form_life.newest(connection, stored.form_id)
    model = XFormModel.from_json(used.model) if used is not None else None
    if model is None or used is None:
        return _Shown(None, False, (), (mark("The form {form_id} is not here any more."), {"form_id": stored.form_id}))
    try:
        instance = read_instance(submissions.xml_of(connection, stored.seq), None)
    except MapperError as problem:
        return _Shown(model, form is not None, (), (problem.message, problem.facts))
    if instance.encrypted:
        message = mark("The answers are encrypted; nobody here can read them. The files can be downloaded.")
        return _Shown(model, form is not None, (), (message, {}))
    labels = _file_labels(connection, model, used.version, stored)
    return _Shown(model, form is not None, read_answers(instance, model, language, labels))


def _file_labels(
    connection: Connection, model: XFormModel, version: str, stored: StoredSubmission
) -> dict[str, Mapping[str, str]]:
    """Labels of the choices that stand in media files, and in the lists of entities that the server makes.

    Of those lists a submission's own household has a label here, and its people: others may be of another area.
    """
    wanted = {found.file: found for found in model.choice_lists if found.file}
    labels: dict[str, Mapping[str, str]] = {}
    for media in kept.media(connection, model.form_id, version):
        if media.name in wanted:
            content = submissions.read_blob(connection, media.sha256) or b""
            labels[media.name] = choice_labels(content, wanted[media.name])
    made_here = served_lists([name for name in wanted if name not in labels], model.entity_lists)
    household = edits.household_of(connection, stored.instance_id) if made_here else None
    if household is not None:
        names = reviews.household_names(connection, *household)
        labels.update(dict.fromkeys(made_here, names))
    return labels


def choice_labels(content: bytes, choices: ChoiceList) -> dict[str, str]:
    """Value to label of a list in a media file, CSV or GeoJSON; empty where it is neither."""
    return _choice_labels(content, choices.file, choices.value_column, choices.label_column)


@lru_cache(maxsize=64)
def _choice_labels(content: bytes, name: str, value: str, label: str) -> dict[str, str]:
    text = content.decode("utf-8-sig", "replace")
    if not name.endswith(".geojson"):
        rows = csv.DictReader(io.StringIO(text, newline=""))
        return {row.get(value) or "": row.get(label) or "" for row in rows}
    try:
        features = json.loads(text)["features"]
        return {
            str(each["properties"].get(value, each.get("id", ""))): str(each["properties"].get(label, ""))
            for each in features
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _lines(
    connection: Connection, shown: _Shown, up_to_here: list[str], files: Mapping[str, Mapping[str, list[str]]]
) -> tuple[tuple[Line, ...], set[str]]:
    """The answers as lines, and the names of the files among them.

    A photo that an edit left as it was came, on some phones, with the original alone.
    """
    if shown.model is None:
        return (), set()
    return lines_of(connection, shown.model, shown.answers, up_to_here, files)


def lines_of(
    connection: Connection,
    model: XFormModel,
    answers: Sequence[Answer],
    up_to_here: Sequence[str],
    files: Mapping[str, Mapping[str, Sequence[str]]],
) -> tuple[tuple[Line, ...], set[str]]:
    """Answers as lines, and the names of the files among them.

    up_to_here: instance ids whose files count, the last before the others; files: of each, name to SHA-256, the newest
    last.
    """
    nodes = {node.path: node for node in model.nodes}
    lines, named = [], set()
    for answer in answers:
        node = nodes.get(answer.path)
        file = None
        if answer.attachment:
            owner = next((each for each in reversed(up_to_here) if answer.value in files[each]), None)
            file = File(answer.value, None, "", False)
            if owner is not None:
                file = file_of(connection, answer.value, files[owner][answer.value][-1], owner)
            named.add(answer.value)
        asked = (node is None or bool(node.control)) and not _of_the_phone(answer)
        lines.append(Line(answer, asked, node.type if node is not None else "", file))
    return tuple(lines), named


def file_of(connection: Connection, name: str, sha256: str, owner: str) -> File:
    """A file that has come, told by its content."""
    head = reviews.blob_head(connection, sha256)
    return File(name, sha256, owner, media_type(head).startswith("image/"))


def _of_the_phone(answer: Answer) -> bool:
    return any(part in answer.path for part in OF_THE_PHONE)


def _changes(
    shown: Mapping[str, _Shown], ids: list[str], number: int, renamed: Mapping[str, str]
) -> tuple[Part, ...] | None:
    """What a version changed of what people answer, and of what the form works out that has a role."""
    if number == 1:
        return None
    before, after = (_told(shown[ids[at]]) for at in (number - 2, number - 1))
    return tuple(compare(before, after, renamed))


def _told(version: _Shown) -> list[Answer]:
    nodes = version.nodes

    def tells(answer: Answer) -> bool:
        node = nodes.get(answer.path)
        return not _of_the_phone(answer) and (node is None or bool(node.control) or node.role is not None)

    return [answer for answer in version.answers if tells(answer)]


def attachment(reference: Reference, user: User, instance_id: str, sha256: str) -> tuple[str, str, bytes]:
    """Name, media type and content of one file of a submission that the user may see. Raises NotFound.

    Pictures stand in the page; that another file was taken away is entered in the trail.
    """
    with reference.database.read() as connection:
        _open(reference, connection, user, instance_id)
        hashes = submissions.attachment_hashes(connection, instance_id)
        name = next((name for name, kept_as in hashes.items() if sha256 in kept_as), None)
        content = submissions.read_blob(connection, sha256) if name is not None else None
    if name is not None and content is not None:
        kind = media_type(content)
        if not kind.startswith("image/"):
            facts = {"file": sha256[:12]}
            audit.record_seen(reference, user.id, user.name, "submission.downloaded", instance_id, facts)
        return name, kind, content
    raise NotFound(mark("Submission {instance_id} has no such file."), instance_id=instance_id)


def raw_xml(reference: Reference, user: User, instance_id: str) -> bytes:
    """The XML of a submission that the user may see, byte for byte as it came. Raises NotFound."""
    with reference.database.read() as connection:
        xml = submissions.xml_of(connection, _open(reference, connection, user, instance_id).stored.seq)
    audit.record_seen(reference, user.id, user.name, "submission.downloaded", instance_id)
    return xml


def remark(reference: Reference, user: User, instance_id: str, review: str, words: str) -> None:
    """Write a remark, set a review state, or both. review: "" leaves it as it is.

    Raises NotFound, Forbidden for a role that does not review, InvalidInput for nothing said or too much.
    """
    words = "".join(c for c in words.strip() if c.isprintable() or c == "\n")
    if user.role not in REVIEWERS:
        raise Forbidden(mark("Submissions are reviewed by supervisors. Ask one of your area."))
    if review and review not in REVIEWS:
        raise InvalidInput(mark("There is no review state {review}."), review=review[:40])
    if not review and not words:
        raise InvalidInput(mark("Choose a state, or write a comment."))
    if len(words) > MOST_WORDS:
        raise InvalidInput(mark("A comment has at most {limit} characters. Write a shorter one."), limit=MOST_WORDS)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with reference.database.write() as connection:
        chain = _open(reference, connection, user, instance_id)
        before = reviews.arrival(connection, instance_id).review or REVIEWS[0]
        changed = review if review and review != before else None
        if changed is None and not words:
            return
        reviews.add_remark(connection, chain.stored.root_id, instance_id, user.id, at, changed, words)
        facts = {"review": changed, "before": before} if changed else {}
        action = "submission.reviewed" if changed else "submission.commented"
        audit.record(reference, connection, user.id, user.name, action, instance_id, facts)
