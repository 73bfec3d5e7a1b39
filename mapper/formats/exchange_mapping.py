"""An exchange.toml beside campaign.toml: which codes other systems have for its figures, groups, doses and vaccines."""

from __future__ import annotations

import re

from mapper.domain.campaign import Campaign
from mapper.domain.exchange import FIGURES, Code, ExchangeMapping, PeriodKind
from mapper.formats.toml_table import Table

FILE = "exchange.toml"
_SCHEMES = re.compile("UID|CODE")
_KINDS = re.compile("|".join(PeriodKind))
_KINDS_SHOWN = ", ".join(f'"{kind}"' for kind in PeriodKind)
_DIMENSION = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_TAKEN = frozenset({"dataElement", "value"})


def read_mapping(toml: str, campaign: Campaign) -> ExchangeMapping:
    """What the file says, checked against the campaign it stands beside. Raises InvalidCampaign with place and cure."""
    root = Table.of_file(toml, FILE)
    root.allow(("source", "dhis2", "adx", "fhir"))
    dhis2, adx, fhir = (root.table(name, f"[{name}]") for name in ("dhis2", "adx", "fhir"))
    dhis2.allow(
        (
            "data_set",
            "period_type",
            "id_scheme",
            "org_unit_scheme",
            "attribute_option_combo",
            "data_elements",
            "option_combos",
        )
    )
    adx.allow(("group_dimension", "dose_dimension", "groups", "doses"))
    fhir.allow(("vaccines", "diseases"))
    series = {f"{group.code}.{dose.code}": (group.code, dose.code) for group, dose in campaign.series}
    figures = [*FIGURES, *(f"{figure}.{one}" for figure in FIGURES for one in series)]
    elements = _codes(dhis2, "data_elements", figures)
    combos = _codes(dhis2, "option_combos", list(series))
    twice = [code for code in combos.values() if list(combos.values()).count(code) > 1]
    if twice:
        dhis2.wrong("option_combos", twice[0], '"18_plus.1" = "...", each code once')
    vaccines = fhir.table("vaccines", "[fhir.vaccines]")
    vaccines.allow(tuple(campaign.vaccines))
    return ExchangeMapping(
        data_set=_text(dhis2, "data_set", '"TN_COVID19"'),
        period_kind=PeriodKind(kind) if (kind := _text(dhis2, "period_type", _KINDS_SHOWN, _KINDS)) else None,
        scheme=_text(dhis2, "id_scheme", '"CODE" or "UID"', _SCHEMES) or "CODE",
        unit_scheme=_text(dhis2, "org_unit_scheme", '"UID" or "CODE"', _SCHEMES) or "UID",
        attribute_combo=_text(dhis2, "attribute_option_combo", '"HllvX50cXC0"'),
        elements=elements,
        combos={series[name]: code for name, code in combos.items()},
        group_dimension=_dimension(adx, "group_dimension"),
        dose_dimension=_dimension(adx, "dose_dimension"),
        groups=_codes(adx, "groups", [group.code for group in campaign.groups]),
        doses=_codes(adx, "doses", list(campaign.doses)),
        vaccines={name: _list(vaccines, name) for name in vaccines.entries},
        diseases=_list(fhir, "diseases"),
        source=root.label("source") if "source" in root.entries else None,
    )


def _text(table: Table, key: str, example: str, pattern: re.Pattern[str] | None = None) -> str:
    return table.text(key, example, pattern) if key in table.entries else ""


def _dimension(table: Table, key: str) -> str:
    found = _text(table, key, '"AGE_GROUP"', _DIMENSION)
    return table.wrong(key, found, '"AGE_GROUP"') if found in _TAKEN else found


def _codes(table: Table, key: str, known: list[str]) -> dict[str, str]:
    inner = table.table(key, f"[{key}]")
    inner.allow(known)
    return {name: inner.text(name, '"..."').strip() for name in inner.entries}


def _list(table: Table, key: str) -> tuple[Code, ...]:
    found = []
    for one in table.tables(key):
        one.allow(("system", "code", "display", "source"))
        parts = [one.text(name, '"..."') for name in ("system", "code")]
        found.append(Code(*parts, *(_text(one, name, '"..."') for name in ("display", "source"))))
    return tuple(found)
