"""A folder of XLSForms with their campaign -> form versions that phones can fetch."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mapper.domain.campaign import Campaign
from mapper.errors import Conflict, InvalidCampaign, InvalidForm, NotFound, mark
from mapper.formats import exchange_mapping, planning_rules, register_layout, validate
from mapper.formats.agreement import check_agreement
from mapper.formats.campaign import read_campaign
from mapper.formats.declared import ROLE_COLUMN
from mapper.formats.entity_lists import list_of, served_lists
from mapper.formats.hamlets import HamletRow, read_hamlets
from mapper.formats.role_changes import RoleChange, role_changes
from mapper.formats.roles import Roles
from mapper.formats.workbook import survey_rows
from mapper.formats.xform import XFormModel, read_xform
from mapper.formats.xlsform import convert
from mapper.services import audit, demand, exchange, register_layouts
from mapper.services.intake import process_waiting
from mapper.services.reference import Reference, home_of
from mapper.store import form_life, placements, submissions
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.reference import FormVersion, Hamlet, Media


@dataclass(frozen=True, slots=True)
class ReadyForm:
    """A form that passed every check. media: file name to content; an entity list is none, each phone gets its own."""

    file: str
    xform: bytes
    model: XFormModel
    media: dict[str, bytes]
    draws_coverage: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PublishedForm:
    """What became of one form. change: "new", "same" or "media" (the same form with other media)."""

    form_id: str
    version: str
    change: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Publication:
    """What a folder made. counted: submissions that waited for one of these versions and count now."""

    campaign_id: str | None
    forms: tuple[PublishedForm, ...]
    counted: int


def read_folder(
    folder: Path, progress: Callable[[str], None] = lambda name: None, lists: Collection[str] = ()
) -> tuple[Campaign | None, str, tuple[HamletRow, ...], list[ReadyForm]]:
    """Everything in a folder, checked to the end before anything is published.

    progress: called with each file's name as its turn comes. lists: names of entity lists that other forms than those
    of the folder declare. Raises NotFound, InvalidForm, InvalidCampaign.
    """
    if not folder.is_dir():
        raise NotFound(mark("There is no folder {folder}."), folder=str(folder))
    workbooks = sorted(p for p in folder.glob("*.xlsx") if not p.name.startswith(("~$", ".")))
    if not workbooks:
        raise InvalidForm(mark("Folder {folder} holds no XLSForm (a file that ends in .xlsx)."), folder=str(folder))
    campaign, toml, hamlets = None, "", tuple[HamletRow, ...]()
    campaign_file = folder / "campaign.toml"
    if campaign_file.is_file():
        try:
            toml = campaign_file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as problem:
            raise InvalidCampaign(
                mark("campaign.toml is not in UTF-8. Save it as UTF-8 and publish again.")
            ) from problem
        campaign = read_campaign(toml)
        if campaign.hamlets_file:
            hamlets = read_hamlets(_read_media(folder, campaign.hamlets_file, "campaign.toml"))
    forms = []
    for workbook in workbooks:
        progress(workbook.name)
        forms.append(_read_form(workbook, campaign))
    declared = {*lists, *(name for form in forms if form.draws_coverage for name in form.model.entity_lists)}
    return campaign, toml, hamlets, [replace(form, media=_media(folder, form, declared)) for form in forms]


def _read_form(workbook: Path, campaign: Campaign | None) -> ReadyForm:
    """One form without the files beside it: which of them are entity lists is known when all forms are read."""
    content = workbook.read_bytes()
    converted = convert(workbook.name, content)
    advice = validate.check(converted.xform, content)
    model = read_xform(converted.xform)
    roles = Roles.of(model, survey_rows(content, ROLE_COLUMN))
    if roles.draws_coverage and campaign is None:
        raise InvalidForm(
            mark("{file} declares roles, but there is no campaign.toml beside it to say what they count for."),
            file=workbook.name,
        )
    if campaign is not None and roles.draws_coverage:
        check_agreement(campaign, model, roles)
    media = {} if converted.itemsets is None else {"itemsets.csv": converted.itemsets}
    return ReadyForm(workbook.name, converted.xform, model, media, roles.draws_coverage, (*converted.warnings, *advice))


def _media(folder: Path, form: ReadyForm, declared: Collection[str]) -> dict[str, bytes]:
    """The files that a form asks for, but for the lists that the server makes for each canvasser.

    declared: names of the campaign's entity lists. Of such a list that the server does not know the file is wanted.
    """
    names = [wanted.name for wanted in form.model.media]
    served = served_lists(names, declared) if form.draws_coverage else {}
    return {name: form.media.get(name) or _read_media(folder, name, form.file) for name in names if name not in served}


def _read_media(folder: Path, name: str, wanted_by: str) -> bytes:
    # Some systems decompose the names of files that are copied to them.
    wanted = unicodedata.normalize("NFC", name)
    path = next((p for p in folder.iterdir() if unicodedata.normalize("NFC", p.name) == wanted), None)
    if path is None or not path.is_file():
        raise InvalidForm(
            mark("{wanted_by} asks for the file {name}, which is not beside it. Put it into the folder."),
            wanted_by=wanted_by,
            name=name,
        )
    return path.read_bytes()


def publish(
    reference: Reference,
    folder: Path,
    progress: Callable[[str], None] = lambda name: None,
    confirmed: Collection[str] = (),
    by: tuple[int | None, str] | None = None,
) -> Publication:
    """Publish every form of a folder with its campaign, all or none; then count what had waited for them.

    A version once published stays as it is: the same version with other questions is a Conflict. Media may change
    under the same version, as lists of hamlets do. Figures that depend on a changed campaign want a rebuild.
    confirmed: mappings of roles that may move or go (``RoleChange.mapping``); any other makes a Conflict.
    by: number and name of whoever does it, for the audit trail; None leaves no trace there.
    """
    campaign, toml, hamlets, ready = read_folder(folder, progress)
    codes, layout = read_exchange(folder, campaign), read_register_layout(folder, campaign)
    rules = read_planning_rules(folder, campaign)

    def keep_texts(connection: Connection) -> None:
        if campaign is None:
            return
        if codes:
            exchange.keep_mapping(reference, connection, campaign, codes)
        register_layouts.keep_layout(reference, connection, campaign, layout)
        if rules:
            demand.keep_rules(reference, connection, campaign, rules)

    return publish_ready(reference, campaign, toml, hamlets, ready, confirmed, by, keep_texts)


def read_exchange(folder: Path, campaign: Campaign | None) -> str:
    """The codes of other systems beside a campaign, checked; "" where there are none. Raises InvalidCampaign."""
    toml = _text_beside(folder, campaign, exchange_mapping.FILE)
    if campaign is not None and toml:
        exchange_mapping.read_mapping(toml, campaign)
    return toml


def read_planning_rules(folder: Path, campaign: Campaign | None) -> str:
    """What a campaign says about planning, checked; "" where it says nothing. Raises InvalidCampaign."""
    toml = _text_beside(folder, campaign, planning_rules.FILE)
    if campaign is not None and toml:
        planning_rules.read_planning(toml, campaign)
    return toml


def read_register_layout(folder: Path, campaign: Campaign | None) -> str:
    """The national platform's import layout beside a campaign, checked; "" where there is none."""
    toml = _text_beside(folder, campaign, register_layout.FILE)
    if campaign is not None and toml:
        register_layout.read_layout(toml, campaign)
    return toml


def _text_beside(folder: Path, campaign: Campaign | None, name: str) -> str:
    file = folder / name
    if campaign is None or not file.is_file():
        return ""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidCampaign(mark("{file} is not in UTF-8. Save it as UTF-8 and publish again."), file=name) from None


def publish_ready(
    reference: Reference,
    campaign: Campaign | None,
    toml: str,
    hamlets: Sequence[HamletRow],
    ready: Sequence[ReadyForm],
    confirmed: Collection[str] = (),
    by: tuple[int | None, str] | None = None,
    then: Callable[[Connection], None] = lambda connection: None,
) -> Publication:
    """Publish what was read and checked; see ``publish``.

    by: see ``publish``. then: what else is to be done in the same transaction.
    """
    at = datetime.now(UTC).isoformat(timespec="seconds")
    database = reference.database
    with database.write() as connection:
        if campaign is not None:
            told = [Hamlet(h.code, h.name, h.commune_code, h.households) for h in hamlets]
            _check_home(reference, connection, campaign, told)
            series = [(group.code, dose.code) for group, dose in campaign.series]
            kept.save_campaign(database, connection, campaign.id, toml, series, at)
            kept.save_hamlets(database, connection, told)
            _check_lists(connection, campaign, ready)
        published = []
        for form in ready:
            _take_over_roles(reference, connection, form, confirmed)
            campaign_id = campaign.id if campaign and form.draws_coverage else None
            published.append(_publish_form(reference, connection, form, campaign_id, at))
        kept.raise_revision(database, connection)
        then(connection)
        for done in published:
            if by is not None and done.change != "same":
                facts = {"version": done.version, "change": done.change}
                audit.record(reference, connection, *by, "form.published", done.form_id, facts)
    counted = sum(process_waiting(reference, form.form_id) for form in published)
    return Publication(campaign.id if campaign else None, tuple(published), counted)


def changed_roles(connection: Connection, model: XFormModel) -> tuple[RoleChange, ...]:
    """Roles that a form's new version would take from the questions of the one before; none once it is published."""
    before = form_life.newest(connection, model.form_id)
    if before is None or kept.form(connection, model.form_id, model.version) is not None:
        return ()
    return role_changes(Roles.of(XFormModel.from_json(before.model)), Roles.of(model))


def _take_over_roles(reference: Reference, connection: Connection, form: ReadyForm, confirmed: Collection[str]) -> None:
    """Remember the confirmed new names of questions. Raises Conflict for a role that nobody said may move or go."""
    changes = changed_roles(connection, form.model)
    unsaid = [change for change in changes if change.mapping not in confirmed]
    if unsaid:
        raise Conflict(
            mark(
                "{file} takes roles from questions that have answers: {changes}. Give the roles back to these "
                "questions, or confirm each change in just these words (role:old question=new question)."
            ),
            file=form.file,
            changes=", ".join(change.mapping for change in unsaid),
        )
    renamed = {change.before: change.after for change in changes if change.after}
    if renamed:
        form_life.keep_renamed(reference.database, connection, form.model.form_id, renamed)


def _check_home(reference: Reference, connection: Connection, campaign: Campaign, hamlets: Sequence[Hamlet]) -> None:
    """Communes that were chosen in forms are read as codes of one set, so a list of another one's has no place beside
    households. Raises Conflict."""
    known = reference.known(connection)
    if known.home is None or not hamlets or not placements.count(connection):
        return
    sets = list(known.every_set.values())
    together = known.hamlets | {hamlet.code: hamlet for hamlet in hamlets}
    others = {home_of(sets, hamlets, known.home), home_of(sets, together.values())} - {None, known.home}
    if others:
        raise Conflict(
            mark(
                "{file} has the commune codes of boundary set {set}, but the households here were placed by those of "
                "{home}, and a code may be another place's there. Nothing was published. Write for each hamlet the "
                "code that its commune has in {home}, and any name; figures and lists come on every set all the same."
            ),
            file=campaign.hamlets_file or "hamlets.csv",
            set=", ".join(sorted(one for one in others if one)),
            home=known.home,
        )


def _check_lists(connection: Connection, campaign: Campaign, ready: Sequence[ReadyForm]) -> None:
    """A phone keeps one list of a name for all its forms, so two campaigns must not share one. Raises Conflict."""
    own = {name for form in ready if form.draws_coverage for name in form.model.entity_lists if list_of(f"{name}.csv")}
    for other in kept.current_forms(connection) if own else ():
        if other.campaign_id in (None, campaign.id):
            continue
        shared = sorted(own.intersection(XFormModel.from_json(other.model).entity_lists))
        if shared:
            raise Conflict(
                mark(
                    "The entity list {list} belongs to the forms of campaign {campaign} already, and a phone keeps one "
                    "list of a name. Name it {better} in the sheet entities, and {better}.csv where it is chosen from."
                ),
                list=shared[0],
                campaign=other.campaign_id,
                better=f"{campaign.id}_{shared[0]}",
            )


def _publish_form(
    reference: Reference, connection: Connection, form: ReadyForm, campaign_id: str | None, at: str
) -> PublishedForm:
    model = form.model
    before = kept.form(connection, model.form_id, model.version)
    md5 = _md5(form.xform)
    if before is not None and before.md5 != md5:
        raise Conflict(
            mark(
                "Version {version} of form {form_id} is already published with other content. "
                "Give {file} a higher version in its settings sheet."
            ),
            version=model.version,
            form_id=model.form_id,
            file=form.file,
        )
    if before is None:
        new = FormVersion(model.form_id, model.version, model.title, md5, model.to_json(), campaign_id, at, True)
        kept.save_form(connection, new, form.xform)
        change = "new"
    else:
        kept.make_current(connection, model.form_id, model.version)
        change = "same"
    files = [
        Media(name, submissions.save_blob(reference.database, connection, content), _md5(content))
        for name, content in sorted(form.media.items())
    ]
    if files != kept.media(connection, model.form_id, model.version):
        kept.save_media(connection, model.form_id, model.version, files)
        change = "media" if change == "same" else change
    return PublishedForm(model.form_id, model.version, change, form.warnings)


def _md5(content: bytes) -> str:
    """What phones compare, in hexadecimal; it guards against nothing but change."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class OfferedForm:
    """A form as the form list offers it; md5 in hexadecimal."""

    form_id: str
    version: str
    title: str
    md5: str
    has_media: bool


def offered_forms(reference: Reference) -> list[OfferedForm]:
    """The current version of every form, by form id."""
    with reference.database.read() as connection:
        return [
            OfferedForm(f.form_id, f.version, f.title, f.md5, bool(kept.media(connection, f.form_id, f.version)))
            for f in kept.current_forms(connection)
        ]


def form_xml(reference: Reference, form_id: str, version: str) -> bytes:
    """The XForm of any version ever published. Raises NotFound."""
    with reference.database.read() as connection:
        content = kept.xform(connection, form_id, version)
    if content is None:
        raise no_form(form_id, version)
    return content


def form_media(reference: Reference, form_id: str, version: str) -> list[Media]:
    """Media of a form version. Raises NotFound for an unknown version."""
    with reference.database.read() as connection:
        if kept.form(connection, form_id, version) is None:
            raise no_form(form_id, version)
        return kept.media(connection, form_id, version)


def media_content(reference: Reference, form_id: str, version: str, name: str) -> bytes:
    """One media file of a form version. Raises NotFound."""
    with reference.database.read() as connection:
        for media in kept.media(connection, form_id, version):
            if media.name == name:
                content = submissions.read_blob(connection, media.sha256)
                if content is not None:
                    return content
    raise NotFound(mark("Form {form_id} has no file {name}."), form_id=form_id, name=name)


def no_form(form_id: str, version: str) -> NotFound:
    """The error that tells of a form version which is not here."""
    return NotFound(
        mark("Form {form_id} has no version {version} here. Publish it, or update the form on the phone."),
        form_id=form_id,
        version=version,
    )
