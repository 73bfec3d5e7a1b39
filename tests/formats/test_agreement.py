"""A form and its campaign must mean the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapper.errors import InvalidCampaign
from mapper.formats.agreement import check_agreement
from mapper.formats.campaign import read_campaign
from mapper.formats.declared import Roles
from mapper.formats.xform import read_xform
from mapper.formats.xlsform import convert

FORMS = Path(__file__).resolve().parents[2] / "forms"


def agree(folder: str, *changes: tuple[str, str]) -> None:
    """Hold a folder's forms against its campaign.toml, in which texts are exchanged."""
    toml = (FORMS / folder / "campaign.toml").read_text("utf-8")
    for old, new in changes:
        assert old in toml
        toml = toml.replace(old, new)
    for workbook in sorted((FORMS / folder).glob("*.xlsx")):
        model = read_xform(convert(workbook.name, workbook.read_bytes()).xform)
        check_agreement(read_campaign(toml), model, Roles.of(model))


def refusal(folder: str, *changes: tuple[str, str]) -> str:
    with pytest.raises(InvalidCampaign) as refused:
        agree(folder, *changes)
    return str(refused.value)


@pytest.mark.parametrize("folder", ["covid19", "measles"])
def test_our_forms_agree_with_their_campaigns(folder: str) -> None:
    agree(folder)


def test_dose_of_the_form_that_the_campaign_lacks_is_named() -> None:
    said = refusal("covid19", ("booster2", "booster9"))
    assert said.startswith("covid19_census: the choice booster2 of /data/person/health/dose/dose_number means nothing")
    assert "among: 1, 2, 3, additional, booster1, booster9;" in said


def test_dose_in_a_role_that_the_campaign_lacks_is_named() -> None:
    said = refusal("measles", ("MR2", "MR3"))
    assert "is for the dose MR2, which the campaign does not know. Use one of: MR1, MR3;" in said


def test_vaccine_that_the_campaign_lacks_is_named_and_can_be_mapped() -> None:
    renamed = ("hayat_vax =", "hayat =")
    assert "the choice hayat_vax of " in refusal("covid19", renamed, ('"hayat_vax"', '"hayat"'))
    mapped = ('[[groups]]\ncode = "5_11"', '[values.vaccine]\nhayat_vax = "hayat"\n[[groups]]\ncode = "5_11"')
    agree("covid19", renamed, ('"hayat_vax"', '"hayat"'), mapped)


@pytest.mark.parametrize(
    ("line", "choice"),
    [('vang = "absent"', "vang"), ('lives_here = "here"', "lives_here"), ('bo_di = "moved_away"', "bo_di")],
)
def test_word_of_the_form_that_the_register_does_not_know_is_named(line: str, choice: str) -> None:
    said = refusal("measles", (line, ""))
    assert f"measles_children: the choice {choice} of " in said
    assert "under [values." in said


def test_priority_that_the_form_does_not_offer_is_named() -> None:
    said = refusal("covid19", ('"frontline"', '"teacher"'))
    assert "group high_risk_18_plus is for the priority teacher" in said
    no_question = ('code = "9m_4y"', 'code = "9m_4y"\npriorities = ["poor"]')
    assert "group 9m_4y is for the priority poor" in refusal("measles", no_question)


def test_priority_is_known_by_the_word_it_stands_for() -> None:
    mapped = ('[[groups]]\ncode = "5_11"', '[values.priority]\nfrontline = "teacher"\n[[groups]]\ncode = "5_11"')
    agree("covid19", ('"frontline"', '"teacher"'), mapped)
