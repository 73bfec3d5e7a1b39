"""Files of other systems: ADX as its profile lays it out, and every kind of file broken in many ways."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from lxml import etree

from mapper.domain.exchange import DataValue, ExchangeMapping, PeriodKind, period_around
from mapper.errors import InvalidInput, TooLarge
from mapper.formats import dhis2, fhir
from mapper.formats.exchange_mapping import read_mapping
from mapper.formats.org_units import read_org_units
from mapper.services import publish
from tests.conftest import CHECKOUT

# The structure that IHE QRPH's Aggregate Data Exchange asks of any document, whatever a country adds: groups with unit
# and period, values with element and number; dates as ISO 8601 writes a day and a length.
PROFILE = """
<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" xmlns="urn:ihe:qrph:adx:2015"
          targetNamespace="urn:ihe:qrph:adx:2015" elementFormDefault="qualified">
  <s:element name="adx"><s:complexType>
    <s:sequence><s:element name="group" maxOccurs="unbounded"><s:complexType>
      <s:sequence><s:element name="dataValue" maxOccurs="unbounded"><s:complexType>
        <s:sequence><s:element name="annotation" minOccurs="0"/></s:sequence>
        <s:attribute name="dataElement" use="required" type="s:token"/>
        <s:attribute name="value" use="required" type="s:decimal"/>
        <s:anyAttribute processContents="skip"/>
      </s:complexType></s:element></s:sequence>
      <s:attribute name="orgUnit" use="required" type="s:token"/>
      <s:attribute name="period" use="required"><s:simpleType><s:restriction base="s:token">
        <s:pattern value="[0-9]{4}-[0-9]{2}-[0-9]{2}/P[0-9]+[DWMY]"/></s:restriction></s:simpleType></s:attribute>
      <s:anyAttribute processContents="skip"/>
    </s:complexType></s:element></s:sequence>
    <s:attribute name="exported" use="required" type="s:dateTime"/>
    <s:anyAttribute processContents="skip"/>
  </s:complexType></s:element>
</s:schema>
"""


def mapping() -> ExchangeMapping:
    folder = CHECKOUT / "forms" / "covid19"
    campaign = publish.read_campaign((folder / "campaign.toml").read_text("utf-8"))
    return read_mapping((folder / "exchange.toml").read_text("utf-8"), campaign)


@pytest.mark.parametrize("kind", PeriodKind)
def test_adx_of_every_kind_of_period_is_as_its_profile_says_and_reads_back(kind: PeriodKind) -> None:
    codes = mapping()
    period = period_around(kind, date(2022, 9, 5)).dhis2
    values = [
        DataValue("TN_C19_VACCINATED", period, f"Uabcdefgh0{unit}", combo, attribute, number)
        for unit, attribute in ((0, ""), (1, "AOC"))
        for number, combo in enumerate(("", *codes.combos.values()))
    ]
    content, left_out = dhis2.write_adx(values, codes, "2022-09-05T01:02:03Z")
    schema = etree.XMLSchema(etree.fromstring(PROFILE))
    root = etree.fromstring(content)
    schema.assertValid(root)
    assert not left_out and dhis2.read_values(content, codes) == values
    group = root[0]
    del group.attrib["period"]
    assert not schema.validate(root)


DXF = b'<dataValueSet xmlns="http://dhis2.org/schema/dxf/2.0">%s</dataValueSet>'
ADX = b'<adx xmlns="urn:ihe:qrph:adx:2015">%s</adx>'
HEAD = b"dataelement,period,orgunit,value\n"
PATIENT = b'{"resourceType":"Patient","id":"a"}\n'
GIVEN = (
    b'{"resourceType":"Immunization","status":"completed","patient":{"reference":"Patient/a"},'
    b'"vaccineCode":%s,"occurrenceDateTime":"%s"}'
)


def of_json(value: bytes, element: bytes = b'"A"', period: bytes = b'"202208"') -> bytes:
    row = b'{"dataElement":%s,"period":%s,"orgUnit":"U","value":%s}' % (element, period, value)
    return b'{"dataValues":[%s]}' % row


BROKEN: dict[str, tuple[Callable[[bytes], object], tuple[bytes, ...]]] = {
    "dhis2 json": (
        lambda content: dhis2.read_values(content, ExchangeMapping()),
        (
            *(b'{"dataValues":[', b'{"dataValues":{}}', b'{"dataValues":[]}', b"{}", b'{"dataValues":[7]}'),
            *(of_json(value) for value in (b'"x"', b'"1.5"', b'""', b"null", b"true", b"[1]", b"9" * 5000)),
            *(of_json(b"1", b'["A"]'), of_json(b"1", b'""'), of_json(b"1", period=b'"2022-08"')),
            *(b'{"dataValues":[' * 3000, '{"dataValues":[]}'.encode("utf-16")),
        ),
    ),
    "dhis2 xml and adx": (
        lambda content: dhis2.read_values(content, ExchangeMapping()),
        (
            *(b"<", b"<a>", b"<dataValueSet/>", DXF % b"", DXF % b"<dataValue/>", ADX % b"", ADX % b"<group/>"),
            DXF % b'<dataValue dataElement="A" period="2022" orgUnit="U" value="x"/>',
            ADX % b'<group orgUnit="U"><dataValue dataElement="A" value="1"/></group>',
            ADX % b'<group period="2022-01-01/P1Y"><dataValue dataElement="A" value="1"/></group>',
            ADX % b'<group orgUnit="U" period="2022-01-02/P1Y"><dataValue dataElement="A" value="1"/></group>',
            ADX % b'<group orgUnit="U" period="2022-01-01/P1Y"><dataValue dataElement="A" AGE="2" value="1"/></group>',
            b'<!DOCTYPE a [<!ENTITY x "y">]>' + DXF % b"",
            "<adx/>".encode("utf-16"),
        ),
    ),
    "dhis2 csv": (
        lambda content: dhis2.read_values(content, ExchangeMapping()),
        (
            *(b"", b"\n", b"x", b"dataelement,period\n", HEAD, HEAD + b"A,2022,U\n", HEAD + b"A,2022,U,1,5\n"),
            *(HEAD + b'"A,2022,U,1\n', HEAD + b"A,31/08/2022,U,1\n", HEAD + b"A,2022,U,1\x00\n", b"PK\x03\x04"),
            *(HEAD.replace(b",", b";"), b"value," + HEAD + b"1,A,2022,U,1\n", HEAD + b"A,2022,\xe3,1\n"),
        ),
    ),
    "organisation units": (
        read_org_units,
        (
            *(b"", b"\n\n", b"id\n", b"id,name\nUabcdefgh01,x\n", b"id,code\nUabcdefgh0,01\n", b"id,code\n,\n"),
            *(b"{}", b'{"organisationUnits":[]}', b'{"organisationUnits":[7]}', b'[{"id":"Uabcdefgh01"}]'),
            *(b'{"organisationUnits":[{"id":7,"code":8}]}', b"PK\x03\x04\x00", b"\xff\xfei\x00", b"[" * 9000),
            *(b'id,code\n"Uabcdefgh01,01\n', b"id,id,code\nUabcdefgh01,Uabcdefgh02,01\n"),
        ),
    ),
    "fhir": (
        lambda content: fhir.read_people(io.BytesIO(content)),
        (
            *(b"", b"null", b"7", b'"x"', b"[]", b"\xff\xfe", b"<Bundle/>", b'{"resourceType":"Bundle"}'),
            *(b'{"resourceType":"Bundle","entry":%s}' % told for told in (b"7", b"[7]", b"[{}]", b"{}")),
            *(PATIENT.replace(b'"a"', told) for told in (b"7", b'["a"]', b'"a","name":7', b'"a","birthDate":1980')),
            PATIENT.replace(b'"a"', b'"a","identifier":[{"system":"urn:tung-nha:person"}]'),
            *(
                PATIENT + GIVEN % parts
                for parts in ((b"{}", b"2022-13-01"), (b"{}", b"2022-08"), (b"7", b"2022-08-01"))
            ),
            PATIENT + b'{"resourceType":"Immunization","patient":{"reference":"Patient/a"}}',
        ),
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_refused_with_its_place_or_its_cure(kind: str) -> None:
    read, files = BROKEN[kind]
    assert len(files) >= 10
    for content in files:
        with pytest.raises(InvalidInput) as problem:
            read(content)
        told = str(problem.value)
        assert "{" not in told.replace("{]", "") and told.endswith("."), (content[:80], told)


class Counted(io.BytesIO):
    """A file that knows how much of it was read at once."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.most = max(self.most, len(found))
        return found


def test_resources_a_line_are_read_line_by_line_and_a_bundle_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    patients = [b'{"resourceType":"Patient","id":"p%d","name":[{"text":"An"}]}' % number for number in range(2000)]
    doses = [GIVEN.replace(b"Patient/a", b"Patient/p%d" % number) % (b"{}", b"2022-08-01") for number in range(2000)]
    # Doses may stand before whom they were given to, and an editor on Windows puts its mark first.
    lines = Counted(b"\xef\xbb\xbf" + b"\n".join([*doses, b"", *patients]))
    read = fhir.read_people(lines)
    assert (len(read), {len(one.doses) for one in read}, lines.most) == (2000, {1}, 0)
    assert (read[0].id, read[0].line) == ("p0", 2002)
    entries = b",".join(b'{"resource":%s}' % one for one in (*patients, *doses))
    bundle = b'{"resourceType":"Bundle","entry":[\n' + entries + b"]}"
    monkeypatch.setattr(fhir, "_MOST_OF_BUNDLE", len(bundle))
    whole = fhir.read_people(io.BytesIO(bundle))
    assert [replace(one, line=0) for one in whole] == [replace(one, line=0) for one in read]
    monkeypatch.setattr(fhir, "_MOST_OF_BUNDLE", len(bundle) - 1)
    larger = Counted(bundle + bytes(1_000_000))
    with pytest.raises(TooLarge, match="ndjson"):
        fhir.read_people(larger)
    assert larger.most <= len(bundle)
