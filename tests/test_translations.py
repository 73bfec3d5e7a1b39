"""Every sentence a reader can see is there in Vietnamese, with the same facts in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sentences import Sentence, gaps, gather

CHECKOUT = Path(__file__).resolve().parent.parent

HEADER = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: vi\\n"
"""


def catalogue(*entries: tuple[str, str], flags: str = "") -> bytes:
    written = [f'\n{flags}msgid "{english}"\nmsgstr "{vietnamese}"\n' for english, vietnamese in entries]
    return (HEADER + "".join(written)).encode()


def test_every_sentence_has_its_vietnamese() -> None:
    sentences = gather(CHECKOUT)
    assert len(sentences) > 20
    assert gaps(sentences, (CHECKOUT / "mapper" / "translations" / "vi.po").read_bytes()) == []


def test_sentences_are_gathered_from_code_templates_and_scripts(tmp_path: Path) -> None:
    files = {
        "server.py": 'click.echo(translate("Serving at {address}.", "vi", address=1))',
        "mapper/store/a.py": 'raise NotFound(\n    mark("Form {form} has "\n         "no version."), form="x")',
        "mapper/web/b.py": '_("Sign in")\nsay("Sign out")\nsay(error)\n"a".translate("bc")\ntranslate(error.message)',
        "mapper/web/templates/map.html": "<h1>{{ _('Coverage of {place}', place=unit) }}</h1>{# _('never') #}",
        "mapper/web/static/js/map.js": """
label(t("No \\"data\\""), t(name), reset("none"),
  `${t("{n} due", { n: count(1) })}!`, t(`${n} due`))""",
        "mapper/web/static/vendor/lib.js": 't("not ours")',
    }
    for name, source in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source, "utf-8")
    assert gather(tmp_path) == [
        Sentence("Serving at {address}.", "server.py:1"),
        Sentence("Form {form} has no version.", "mapper/store/a.py:2"),
        Sentence("Sign in", "mapper/web/b.py:1"),
        Sentence("Sign out", "mapper/web/b.py:2"),
        Sentence("Coverage of {place}", "mapper/web/templates/map.html:1"),
        Sentence('No "data"', "mapper/web/static/js/map.js:2"),
        Sentence("{n} due", "mapper/web/static/js/map.js:3"),
        Sentence(None, "mapper/web/static/js/map.js:3"),
    ]


@pytest.mark.parametrize("hidden", ['mark(f"Form {form}")', 'mark("Form " + form)', 'mark("a" if one else "b")'])
def test_a_sentence_that_the_translators_cannot_read_is_named(tmp_path: Path, hidden: str) -> None:
    (tmp_path / "server.py").write_text(f"\nraise NotFound({hidden})")
    (found,) = gaps(gather(tmp_path), catalogue())
    assert found == "server.py:2: a sentence for readers must stand in one literal string"


def test_sentences_with_their_vietnamese_have_no_gaps() -> None:
    english = [Sentence("Form {form} is unknown.", "a.py:1"), Sentence("Form {form} is unknown.", "b.py:2")]
    assert gaps(english, catalogue(("Form {form} is unknown.", "Không có biểu mẫu {form}."))) == []


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (catalogue(), "a.py:1: no Vietnamese for 'Form {form} is unknown.'"),
        (catalogue(("Form {form} is unknown.", "")), "a.py:1: no Vietnamese for 'Form {form} is unknown.'"),
        (
            catalogue(("Form {form} is unknown.", "Không có {from}.")),
            "a.py:1: 'Form {form} is unknown.' and its Vietnamese name different places: 'Không có {from}.'",
        ),
        (
            catalogue(("Form {form} is unknown.", "Không có {form}."), flags="#, fuzzy\n"),
            "a.py:1: the Vietnamese of 'Form {form} is unknown.' is marked fuzzy",
        ),
        (
            catalogue(("Form {form} is unknown.", "Không có {form}."), ("Form {form} is unknown.", "Không có {form}.")),
            "the catalogue holds 2 sentences but only 1 different ones",
        ),
    ],
)
def test_what_the_catalogue_lacks_is_named(held: bytes, expected: str) -> None:
    assert gaps([Sentence("Form {form} is unknown.", "a.py:1")], held) == [expected]
