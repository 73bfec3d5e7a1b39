"""The ODK entities of a submission: what they say of their versions, and what is odd about them.

An odd entity costs nobody their answers: it becomes a finding, and the rest counts.
"""

from __future__ import annotations

import re

from mapper.domain.entities import CREATED, Telling, own_versions, read_version
from mapper.errors import mark
from mapper.formats.instance import Instance, InstanceEntity
from mapper.formats.reading import Reading

_LISTS = frozenset({"households", "people"})
"""The entity lists that phones are given; a second campaign puts a word of its own in front."""

_UUID = re.compile(r"(?:uuid:)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LONGEST = 250


def read_tellings(reading: Reading, instance: Instance) -> tuple[InstanceEntity | None, dict[str, Telling]]:
    """The household's entity, which stands outside of every group and repeat, and by id what each entity says.

    Of several that stand there the first with an id is the household's; None where none has one. Findings are added
    for entities of an unknown list, without an id, with one that is no UUID, or with versions that cannot be.
    """
    household: InstanceEntity | None = None
    tellings: dict[str, Telling] = {}
    for entity in instance.entities:
        if entity.create or entity.update:
            _check(reading, entity)
        if not entity.id:
            continue
        if household is None and entity.outer:
            household = entity
        if entity.id not in tellings or entity is household:
            tellings[entity.id] = _telling(reading, entity)
    return household, tellings


def _telling(reading: Reading, entity: InstanceEntity) -> Telling:
    if entity.create and not entity.update:
        return CREATED
    versions: list[int | None] = []  # base and trunk
    for text in (entity.base_version, entity.trunk_version):
        number = read_version(text)
        if text and number is None:
            reading.find(
                "entity_version_unreadable",
                mark("{value} is no version of an entity; the update counts as made to the newest version."),
                value=text[:40],
            )
        versions.append(number)
    return Telling(entity.create, entity.update, *own_versions(*versions), entity.branch_id[:_LONGEST])


def _check(reading: Reading, entity: InstanceEntity) -> None:
    shown = entity.dataset[:80] or "-"
    if entity.dataset.rpartition("_")[2] not in _LISTS:
        reading.find(
            "entity_list_unknown",
            mark("The entity list {list} is not kept here; what the form tells counts all the same."),
            list=shown,
        )
    if not entity.id:
        reading.find(
            "entity_without_id", mark("An entity of the list {list} has no id; the server gave it one."), list=shown
        )
    elif not _UUID.fullmatch(entity.id):
        reading.find(
            "entity_id_unusual",
            mark("The entity id {id} is no UUID, so a phone may not find it again."),
            id=entity.id[:80],
        )
