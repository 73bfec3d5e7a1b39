"""The sample's extract of the national register holds each way in which two registers differ, the same every time."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

from mapper.domain.people import Dose
from mapper.formats.campaign import read_campaign
from mapper.services.register_entries import CensusPerson
from mapper.services.sample_register import written
from tests.linkage.registers import people

CAMPAIGN = Path(__file__).parents[2] / "forms" / "covid19" / "campaign.toml"


def test_the_invented_extract_leaves_out_adds_repeats_moves_and_miswrites() -> None:
    campaign = read_campaign(CAMPAIGN.read_text(encoding="utf-8"))
    doses = (Dose("1", date(2021, 9, 1), "pfizer"), Dose("2", date(2021, 10, 1), "pfizer"))
    here = [
        CensusPerson(each.key, "h", "uuid:h", each.name, each.born_on, "day", each.sex, "", each.commune, "", doses)
        for each in people(random.Random(5), 1000, communes=4)
    ]
    communes = sorted({one.unit for one in here})
    there = written(here, campaign, communes)
    assert there == written(here, campaign, communes)
    known = {one.key: one for one in here}
    assert 20 <= len(known.keys() - {one.key for one in there}) <= 45
    assert 10 <= sum(one.name.endswith("Mẫu") for one in there) <= 35, "people whom the census does not know"
    assert 5 <= sum(one.unit != known[one.key].unit for one in there) <= 20
    assert 30 <= sum(one.precision == "year" for one in there) <= 80
    assert 30 <= sum(one.doses != doses for one in there) <= 90
