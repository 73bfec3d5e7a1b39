"""One hardened door for XML from outside.

Refuses document types (and with them every entity and external file), other encodings than UTF-8, and
nesting deeper than libxml2's 256 levels. Comments and processing instructions are left out of the tree.
"""

from __future__ import annotations

import re
import threading
from xml.sax.saxutils import escape

from lxml import etree

from mapper.errors import MalformedXml, mark

XFORMS = "http://www.w3.org/2002/xforms"
OPENROSA = "http://openrosa.org/xforms"
JAVAROSA = "http://openrosa.org/javarosa"
ENTITIES = "http://www.opendatakit.org/xforms/entities"
ROLES = "urn:household-coverage:roles"

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_QUOTED = {'"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}
_PROLOG = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_DECLARED = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_BOM = b"\xef\xbb\xbf"
_UTF8 = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})
_DEEP = "XML_PARSE_HUGE"
# libxml2 sees the declaration only behind the mark; lxml hands a parser to one thread at a time, so each has its own.
_local = threading.local()


def parse(data: bytes) -> etree._Element:
    """The root element of an XML document in UTF-8.

    Raises MalformedXml, naming the line where libxml2 stumbled.
    """
    if data.startswith(_BOM):
        data = data[len(_BOM) :]
    if not data or data.isspace():
        raise MalformedXml(mark("The XML is empty. Send the file again."))
    if b"\0" in data:
        raise MalformedXml(mark("The file is not XML text in UTF-8. Save it as UTF-8 and send it again."))
    if data.startswith(b"<?xml"):
        declared = _DECLARED.match(data)
        if declared and declared[1].lower() not in _UTF8:
            raise MalformedXml(
                mark(
                    "The XML declares the encoding {encoding}; only UTF-8 is read. Save it as UTF-8 and send it again."
                ),
                encoding=declared[1].decode("ascii"),
            )
    if b"<!DOCTYPE" in data and data.startswith(b"<!DOCTYPE", _prolog_length(data)):
        raise MalformedXml(
            mark(
                "The XML has a document type (<!DOCTYPE>), which could ask for other files. "
                "Remove it and send it again."
            )
        )
    try:
        return etree.fromstring(data, _parser())
    except etree.XMLSyntaxError as error:
        raise _malformed(error) from None


def _malformed(error: etree.XMLSyntaxError) -> MalformedXml:
    reason = str(error.msg or "").partition(", line ")[0] or "not well-formed"
    if _DEEP in reason:
        return MalformedXml(
            mark("The XML is nested too deeply or holds too long a text. Send what the form made, unchanged.")
        )
    return MalformedXml(
        mark("Not well-formed XML, line {line}: {reason}. Send the file again, whole."),
        line=error.lineno or 1,
        reason=reason,
    )


def _prolog_length(data: bytes) -> int:
    found = _PROLOG.match(data)
    return found.end() if found else 0


def _parser() -> etree.XMLParser:
    parser = getattr(_local, "parser", None)
    if parser is None:
        parser = _local.parser = etree.XMLParser(
            encoding="utf-8",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            attribute_defaults=False,
            huge_tree=False,
            collect_ids=False,
            remove_comments=True,
            remove_pis=True,
        )
    return parser


def local_name(element: etree._Element) -> str:
    """The element's name without its namespace."""
    tag = str(element.tag)
    return tag[tag.index("}") + 1 :] if tag[0] == "{" else tag


def namespace(element: etree._Element) -> str:
    """The element's namespace, "" for none."""
    tag = str(element.tag)
    return tag[1 : tag.index("}")] if tag[0] == "{" else ""


def escape_text(text: str, quoted: bool = False) -> str:
    """Text ready to stand in XML, or (quoted) in a double-quoted attribute; characters that XML has not are dropped."""
    return escape(_NOT_XML.sub("", text), _QUOTED if quoted else {"\r": "&#13;"})
