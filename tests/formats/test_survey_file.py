"""The table of a cluster survey: what is read, and what is refused with its row and the cure."""

from __future__ import annotations

import pytest

from mapper.errors import InvalidInput, TooLarge
from mapper.formats import survey_file
from mapper.formats.survey_file import TEMPLATE, SurveyTable, read_survey


def test_a_table_is_read_person_by_person() -> None:
    told = "cluster,stratum,weight,vaccinated\nThôn 1,A,1.5,1\n\nThôn 2,B,2,0\n"
    assert read_survey(told.encode()) == SurveyTable((1, 0), ("Thôn 1", "Thôn 2"), ("A", "B"), (1.5, 2.0))


@pytest.mark.parametrize(
    "told",
    [
        "vaccinated,cluster\n1,a\n0,b\n",
        "Cluster;Vaccinated\r\na;yes\r\nb;no\r\n",
        "\ufeffCụm\tĐã tiêm\na\tCó\nb\tkhông\n",
        "cụm,đã_tiêm,họ tên\na,1,Lan\nb,0,Nam\n",
    ],
    ids=["other order", "semicolons", "Vietnamese with tabs", "a column too many"],
)
def test_it_may_be_written_in_several_ways(told: str) -> None:
    found = read_survey(told.encode())
    assert (found.strata, found.weights) == (None, None)
    assert sorted(zip(found.clusters, found.vaccinated, strict=True)) == [("a", 1), ("b", 0)]


def test_a_weight_may_have_a_decimal_comma() -> None:
    assert read_survey(b"cluster;weight;vaccinated\na;1,25;1\n").weights == (1.25,)


def test_the_template_is_a_table_that_is_read() -> None:
    found = read_survey(TEMPLATE.encode("utf-8-sig"))
    assert len(found.vaccinated) == 5
    assert len(set(found.clusters)) == 4
    assert set(found.strata or ()) == {"Xã A", "Xã B"}


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (b"", "empty"),
        (b" \n \n", "empty"),
        (b"PK\x03\x04\0\0", "CSV UTF-8"),
        ("cụm,vaccinated\n".encode("utf-16"), "CSV UTF-8"),
        (b"cluster,vaccinated\n", "one row a person"),
        (b"village,vaccinated\na,1\n", "lacks the column cluster"),
        (b"a,1\nb,0\n", "lacks the column cluster, vaccinated"),
        (b"cluster,cluster,vaccinated\na,b,1\n", "column cluster twice"),
        (b"cluster,vaccinated\na,1\nb,2\n", "row 3: vaccinated is 2. Write 1 for yes or 0 for no"),
        (b"cluster,vaccinated\n\na,1\n,1\n", "row 4: the column cluster is empty"),
        (b"cluster,vaccinated\na\n", "row 2: the column vaccinated is empty"),
        (b"cluster,weight,vaccinated\na,0,1\n", "row 2: the weight 0 is no number above 0"),
        (b"cluster,weight,vaccinated\na,nan,1\n", "row 2: the weight nan"),
        (b"cluster,weight,vaccinated\na,inf,1\n", "row 2: the weight inf"),
        (b'cluster,vaccinated\n"a"b,1\n', "Correct the quotes"),
    ],
)
def test_what_is_no_survey_is_refused_with_its_row_and_the_cure(told: bytes, says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_survey(told)
    assert says in str(refusal.value)


def test_a_table_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_file, "MOST_ROWS", 2)
    assert len(read_survey(b"cluster,vaccinated\n" + b"a,1\n" * 2).vaccinated) == 2
    with pytest.raises(TooLarge, match="3 rows"):
        read_survey(b"cluster,vaccinated\n" + b"a,1\n" * 3)


@pytest.mark.parametrize("nothing", [b",,\n", b'""', b" ; ;\n\n", b'"\n"'])
def test_a_file_of_separators_alone_is_empty(nothing: bytes) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        read_survey(nothing)
