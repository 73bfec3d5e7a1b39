"""Whether a form and its campaign speak of the same doses, vaccines, words and groups."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mapper.domain.campaign import Campaign
from mapper.errors import InvalidCampaign, mark
from mapper.formats.campaign import WORDS
from mapper.formats.declared import Roles
from mapper.formats.xform import XFormModel

_SYNONYMS = frozenset({"true", "false", "1", "0"})
"""Choices that are read as yes and no without being mapped."""


def check_agreement(campaign: Campaign, model: XFormModel, roles: Roles) -> None:
    """Raise InvalidCampaign where a form offers what the campaign does not know, or lacks what it asks for.

    A choice counts as the word that [values] gives for it. Answers that nobody understands would count for nothing,
    in silence; so this is said when the form is published.
    """
    known: dict[str, Collection[str]] = {**WORDS, "number": campaign.doses, "vaccine": campaign.vaccines}
    for role, path in roles.paths.items():
        base, _, code = role.partition("@")
        if code:
            _check_dose(campaign, model, code, path)
        field = base.rpartition(".")[2]
        for choice, word in _offered(campaign, model, field, path):
            if word not in known.get(field, (word,)) and not (choice in _SYNONYMS and "yes" in known[field]):
                raise InvalidCampaign(
                    mark(
                        "{form}: the choice {choice} of {question} means nothing to the campaign. Name it in "
                        "campaign.toml, under [values.{field}] or among: {known}; or mend the form."
                    ),
                    form=model.form_id,
                    choice=choice,
                    question=path,
                    field=field,
                    known=", ".join(known[field]),
                )
    path = roles.paths.get("person.priority", "")
    offered = {word for _, word in _offered(campaign, model, "priority", path)}
    for group in campaign.groups:
        for name in sorted(group.priorities):
            if not path or (offered and name not in offered):
                raise InvalidCampaign(
                    mark(
                        "{form}: group {group} is for the priority {priority}, which no question with the role "
                        "person.priority offers. Add the choice to the form, or mend the group."
                    ),
                    form=model.form_id,
                    group=group.code,
                    priority=name,
                )


def _offered(campaign: Campaign, model: XFormModel, field: str, path: str) -> Iterator[tuple[str, str]]:
    """The choices of a question with the words they stand for; none where they come from a file."""
    node = model.node(path)
    choices = model.choice_list(node.choices) if node is not None and node.choices else None
    words = campaign.values.get(field, {})
    for choice in choices.choices if choices is not None else ():
        yield choice.value, words.get(choice.value, choice.value)


def _check_dose(campaign: Campaign, model: XFormModel, code: str, path: str) -> None:
    if code not in campaign.doses:
        raise InvalidCampaign(
            mark(
                "{form}: the role of {question} is for the dose {dose}, which the campaign does not know. "
                "Use one of: {known}; or add the dose to [doses] in campaign.toml."
            ),
            form=model.form_id,
            question=path,
            dose=code,
            known=", ".join(campaign.doses),
        )
