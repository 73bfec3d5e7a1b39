"""What phones are told: forms with their media, who may ask, and in which words a refusal comes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
import requests
from sqlalchemy import text

from mapper.language import translate
from mapper.services import publish
from mapper.settings import Settings
from tests.client.collect import FORM_LIST, Collect, NotAccepted, ServerFault, message_of
from tests.client.site import (
    HAMLETS,
    NEXT_VERSION,
    SURVEY,
    VERSION,
    House,
    Site,
    write_house_check,
    write_plain,
)


@contextmanager
def without(site: Site, table: str) -> Iterator[None]:
    """A server whose database lacks a table for a while: a fault on its side."""

    def rename(before: str, after: str) -> None:
        with site.reference.database.write() as connection:
            connection.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))

    rename(table, f"{table}_lost")
    try:
        yield
    finally:
        rename(f"{table}_lost", table)


# Forms


def test_phone_fetches_every_form_with_its_media(site: Site) -> None:
    phone = site.phone()
    assert phone.match_exactly() == ({"house_check", "plain"}, set())
    form = phone.forms["house_check", VERSION]
    assert b"urn:household-coverage:roles" in form.xform
    assert form.media == {"communes.csv": b"name,label\n00001,X\xc3\xa3 M\xe1\xbb\x99t\n00002,X\xc3\xa3 Hai\n"} | {
        "hamlets.csv": HAMLETS.encode()
    }
    assert phone.forms["plain", "1"].media == {}


def test_form_list_holds_what_collect_reads(sqlite_site: Site) -> None:
    token = sqlite_site.user("canvasser", "001").token
    answer = requests.get(f"{sqlite_site.url}/key/{token}/formList")
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert answer.headers["X-OpenRosa-Version"] == "1.0"
    entry = ElementTree.fromstring(answer.content)[0]
    told = {child.tag.removeprefix(f"{{{FORM_LIST}}}"): child.text for child in entry}
    address = f"{sqlite_site.url}/key/{token}/forms/house_check/{VERSION}"
    assert told == {
        "formID": "house_check",
        "name": "Thăm nhà",
        "version": VERSION,
        "hash": f"md5:{hashlib.md5(requests.get(f'{address}/form.xml').content).hexdigest()}",
        "downloadUrl": f"{address}/form.xml",
        "manifestUrl": f"{address}/manifest",
    }


def test_nothing_is_fetched_twice(sqlite_site: Site) -> None:
    phone = sqlite_site.phone()
    phone.match_exactly()
    assert phone.match_exactly() == (set(), set())


def test_form_without_media_has_an_empty_manifest_for_those_who_ask(sqlite_site: Site) -> None:
    phone = sqlite_site.phone()
    (plain,) = [form for form in phone.form_list() if form.form_id == "plain"]
    assert plain.manifest_url == ""
    asked = phone.manifest(type(plain)("plain", "", "1", "", "", plain.download_url.replace("form.xml", "manifest")))
    assert asked == []


def test_changed_list_of_hamlets_reaches_the_phone_under_the_same_version(site: Site, tmp_path: Path) -> None:
    phone = site.phone()
    phone.match_exactly()
    folder = write_house_check(tmp_path / "again")
    longer = HAMLETS + "0000202,Bản Bắc,00002,12\n"
    (folder / "hamlets.csv").write_text(longer, "utf-8")
    (published,) = publish.publish(site.reference, folder).forms
    assert published.change == "media"
    assert phone.match_exactly() == ({"house_check"}, set())
    assert phone.forms["house_check", VERSION].media["hamlets.csv"] == longer.encode()


def test_new_version_is_offered_while_the_old_one_stays(site: Site, tmp_path: Path) -> None:
    old = site.phone()
    old.match_exactly()
    longer = SURVEY + "text | remarks | Ghi chú | | \n"
    publish.publish(site.reference, write_house_check(tmp_path / "next", NEXT_VERSION, longer))
    new = site.phone()
    new.match_exactly()
    assert {key for key in new.forms if key[0] == "house_check"} == {("house_check", NEXT_VERSION)}
    assert b"remarks" in new.forms["house_check", NEXT_VERSION].xform

    # A phone in the middle of downloading the old version is served to the end, and what it fills counts.
    before = old.forms["house_check", VERSION]
    again = old.download(before.listed)
    assert (again.xform, again.media) == (before.xform, before.media)
    assert old.send(House("uuid:old").form()).statuses == (201,)
    assert new.send(House("uuid:new", version=NEXT_VERSION).form()).statuses == (201,)
    assert site.coverage(site.user("administrator").token)["total"]["people"] == 2  # type: ignore[index]


def test_folder_of_an_earlier_version_published_again_is_offered_again(sqlite_site: Site, tmp_path: Path) -> None:
    publish.publish(sqlite_site.reference, write_house_check(tmp_path / "next", NEXT_VERSION))
    publish.publish(sqlite_site.reference, write_house_check(tmp_path / "back"))
    listed = {form.form_id: form.version for form in sqlite_site.phone().form_list()}
    assert listed["house_check"] == VERSION


@pytest.mark.parametrize("version", ["2022/08", "..", "v 1.0 (bản thử)", "1%2F2", "a?b#c", "ê&<1>"])
def test_version_may_be_written_in_any_way(sqlite_site: Site, tmp_path: Path, version: str) -> None:
    publish.publish(sqlite_site.reference, write_plain(tmp_path / "odd", "plain", version))
    phone = sqlite_site.phone()
    phone.match_exactly()
    assert f'version="{version.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}"'.encode() in (
        phone.forms["plain", version].xform
    )


def test_phone_keeps_its_forms_when_the_list_cannot_be_made(site: Site) -> None:
    phone = site.phone()
    phone.match_exactly()
    with without(site, "form_media"), pytest.raises(ServerFault, match=r"formList: 50[03] "):
        phone.match_exactly()
    assert set(phone.forms) == {("house_check", VERSION), ("plain", "1")}


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("forms/other/1/form.xml", "other"),
        ("forms/other/1/manifest", "other"),
        ("forms/house_check/7/form.xml", "7"),
        (f"forms/house_check/{VERSION}/media/other.csv", "other.csv"),
        (f"forms/house_check/{VERSION}/media/..%252F..%252Fserver.py", "house_check"),
        (f"forms/house_check/{VERSION}/media/..%2F..%2Fserver.py", ""),
        ("forms/house_check", ""),
        ("nothing", ""),
    ],
)
def test_what_is_not_there_is_404_with_a_message(sqlite_site: Site, path: str, says: str) -> None:
    token = sqlite_site.user("canvasser", "001").token
    answer = requests.get(f"{sqlite_site.url}/key/{token}/{path}")
    assert answer.status_code == 404
    assert says in message_of(answer.content) != ""


# Who may ask

ADDRESSES = [
    ("GET", "formList"),
    ("GET", f"forms/house_check/{VERSION}/form.xml"),
    ("GET", f"forms/house_check/{VERSION}/manifest"),
    ("GET", f"forms/house_check/{VERSION}/media/hamlets.csv"),
    ("HEAD", "submission"),
    ("POST", "submission"),
]


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_key_that_opens_nothing_is_403(sqlite_site: Site, method: str, path: str) -> None:
    answer = requests.request(method, f"{sqlite_site.url}/key/0123456789abcdef/{path}")
    assert answer.status_code == 403
    assert "WWW-Authenticate" not in answer.headers
    if method != "HEAD":
        assert message_of(answer.content) == translate(
            "This server address is no longer valid. Ask your supervisor for a new QR code.", "vi"
        )


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_phone_without_a_key_is_asked_for_digest(sqlite_site: Site, method: str, path: str) -> None:
    answer = requests.request(method, f"{sqlite_site.url}/{path}")
    assert answer.status_code == 401
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Digest realm="tung-nha"')
    assert 'qop="auth"' in challenge and 'charset="UTF-8"' in challenge
    assert "basic" not in challenge.lower()


@pytest.mark.parametrize("name", ["may-01", "Nông Thị Mỷ"])
def test_phone_set_up_by_hand_works_with_name_and_token(site: Site, name: str) -> None:
    user = site.user("canvasser", "001", name=name)
    phone = site.by_hand(user=name, password=user.token)
    assert phone.match_exactly() == ({"house_check", "plain"}, set())
    assert phone.send(House("uuid:by-hand", photo="a.jpg").form({"a.jpg": b"JPEG"})).statuses == (201,)
    assert site.attachments("uuid:by-hand") == {"a.jpg": b"JPEG"}


@pytest.mark.parametrize(("name", "password"), [("may-01", "wrong"), ("nobody", "wrong")])
def test_wrong_name_or_token_by_hand_is_refused(site: Site, name: str, password: str) -> None:
    site.user("canvasser", "001", name="may-01")
    with pytest.raises(ServerFault, match="formList: 401"):
        site.by_hand(user=name, password=password).match_exactly()


@pytest.mark.parametrize(
    "header",
    [
        "Digest",
        "Digest nonsense",
        'Digest username="may-01"',
        'Digest username="may-01", realm="tung-nha", nonce="NONCE", uri="/formList", response="é", opaque="tung-nha"',
        'Digest username="may-01", realm="tung-nha", nonce="NONCE", uri="/formList", response="0", opaque="tung-nha", '
        "qop=auth",
        'Digest username="may-01", realm="tung-nha", nonce="NONCE", uri="/formList", response="0", opaque="tung-nha", '
        'qop=auth, nc=00000001, cnonce="\xff"',
        'Digest username*=UTF-8\'\'%00, realm="tung-nha", nonce="NONCE", uri="/formList", response="0"',
        "Basic bWF5LTAxOndyb25n",
        "Basic ????",
        "Bearer",
    ],
)
def test_broken_sign_in_of_a_phone_is_401_and_no_fault(site: Site, header: str) -> None:
    site.user("canvasser", "001", name="may-01")
    asked = requests.get(f"{site.url}/formList").headers["WWW-Authenticate"]
    nonce = asked.partition('nonce="')[2].partition('"')[0]
    answer = requests.get(f"{site.url}/formList", headers={"Authorization": header.replace("NONCE", nonce)})
    assert answer.status_code == 401
    assert message_of(answer.content)


def test_challenge_made_elsewhere_is_not_accepted(sqlite_site: Site) -> None:
    user = sqlite_site.user("canvasser", "001", name="may-01")
    phone = sqlite_site.by_hand(user="may-01", password=user.token)
    phone.form_list()
    with sqlite_site.reference.database.write() as connection:
        connection.execute(text("UPDATE facts SET value = 'another key' WHERE name = 'secret_key'"))
    # The nonce in the phone's memory is signed with the key of the running server; a made-up one is not.
    answer = requests.get(
        f"{sqlite_site.url}/formList",
        headers={
            "Authorization": 'Digest username="may-01", realm="tung-nha", nonce="Im4i.abc.def", uri="/formList", '
            'response="00", opaque="tung-nha"'
        },
    )
    assert answer.status_code == 401


def digest_answer(site: Site, token: str, uri: str, method: str = "GET") -> str:
    """The header of a phone that answers the challenge for this uri (RFC 7616, MD5, qop=auth)."""
    asked = requests.get(f"{site.url}/formList").headers["WWW-Authenticate"]
    nonce = asked.partition('nonce="')[2].partition('"')[0]

    def md5(said: str) -> str:
        return hashlib.md5(said.encode()).hexdigest()

    secret, request = md5(f"may-01:tung-nha:{token}"), md5(f"{method}:{uri}")
    response = md5(f"{secret}:{nonce}:00000001:abc:auth:{request}")
    return (
        f'Digest username="may-01", realm="tung-nha", nonce="{nonce}", uri="{uri}", qop=auth, nc=00000001, '
        f'cnonce="abc", response="{response}", opaque="tung-nha", algorithm=MD5'
    )


@pytest.mark.parametrize(
    "uri",
    [
        "/formList?deviceID=collect%3Aabc",
        "/formList?deviceID=collect:abc",
        "/form%4cist?deviceID=collect%3aabc",
        "http://tiem.example.vn/formList?deviceID=collect%3Aabc",
    ],
)
def test_digest_for_the_address_asked_for_is_accepted_however_it_is_quoted(sqlite_site: Site, uri: str) -> None:
    token = sqlite_site.user("canvasser", "001", name="may-01").token
    answer = requests.get(
        f"{sqlite_site.url}/formList?deviceID=collect%3Aabc",
        headers={"Authorization": digest_answer(sqlite_site, token, uri)},
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "uri",
    ["/submission?deviceID=a", "/formList", "/formList?deviceID=b", "/formlist?deviceID=a", "/x/formList?deviceID=a"],
)
def test_digest_for_another_address_is_refused(sqlite_site: Site, uri: str) -> None:
    token = sqlite_site.user("canvasser", "001", name="may-01").token
    headers = {"Authorization": digest_answer(sqlite_site, token, uri)}
    answer = requests.get(f"{sqlite_site.url}/formList?deviceID=a", headers=headers)
    assert answer.status_code == 400
    assert message_of(answer.content) == translate(
        "This sign-in was made for another address of the server. Send the request again."
    )


def test_digest_holds_behind_a_proxy_that_takes_off_the_public_path(
    run_site: Callable[[Settings], Site], settings: Settings
) -> None:
    site = run_site(settings.model_copy(update={"public_url": "https://example.vn/tiem/"}))
    token = site.user("canvasser", "001", name="may-01").token
    for uri, status in (("/tiem/formList", 200), ("/formList", 200), ("/other/formList", 400)):
        answer = requests.get(f"{site.url}/formList", headers={"Authorization": digest_answer(site, token, uri)})
        assert answer.status_code == status, uri


def test_renewed_user_ends_the_old_token_at_once(site: Site) -> None:
    first = site.user("canvasser", "001", name="may-01")
    old, old_by_hand = site.phone(first.token), site.by_hand(user="may-01", password=first.token)
    old.form_list()
    old_by_hand.form_list()
    second = site.user("canvasser", "001", name="may-01")
    with pytest.raises(ServerFault, match="403"):
        old.form_list()
    with pytest.raises(ServerFault, match="401"):
        old_by_hand.form_list()
    assert len(site.phone(second.token).form_list()) == 2


# Manners


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "key/KEY/formList", 200),
        ("GET", "key/KEY/submission", 405),
        ("PUT", "key/KEY/submission", 405),
        ("POST", "key/KEY/submission", 400),
        ("POST", "key/KEY/formList", 405),
        ("GET", "key/KEY/nothing", 404),
        ("GET", "key/KEY", 404),
        ("GET", "key/wrong/formList", 403),
        ("GET", "formList", 401),
        ("GET", "submission", 405),
        ("PUT", "submission", 405),
        ("POST", "formList", 405),
        ("GET", "forms/house_check", 404),
    ],
)
def test_every_reply_to_a_phone_is_openrosa(sqlite_site: Site, method: str, path: str, status: int) -> None:
    token = sqlite_site.user("canvasser", "001").token
    answer = requests.request(method, f"{sqlite_site.url}/{path.replace('KEY', token)}")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert answer.headers["X-OpenRosa-Version"] == "1.0"
    if status != 200:
        assert message_of(answer.content)


def test_phone_that_speaks_another_openrosa_is_told_to_update(sqlite_site: Site) -> None:
    token = sqlite_site.user("canvasser", "001").token
    answer = requests.get(f"{sqlite_site.url}/key/{token}/formList", headers={"X-OpenRosa-Version": "2.0"})
    assert answer.status_code == 400
    assert "2.0" in message_of(answer.content)


@pytest.mark.parametrize("table", ["submissions", "attachments", "blobs"])
def test_fault_on_this_side_is_said_and_logged_without_anything_personal(
    site: Site, caplog: pytest.LogCaptureFixture, table: str
) -> None:
    phone = site.phone()
    with without(site, table), pytest.raises(NotAccepted) as refused:
        phone.send(House("uuid:fault", head="Nông Thị Kín").form({"Nông Thị Kín.jpg": b"face"}))
    assert refused.value.status in (500, 503)
    assert refused.value.message and table not in refused.value.message
    for secret in ("Kín", "uuid:fault", "face", phone.server_url.rpartition("/")[2]):
        assert secret not in caplog.text


@pytest.mark.parametrize(("language", "asked"), [("vi", ""), ("en", "?lang=en"), ("vi", "?lang=xx")])
def test_refusals_are_vietnamese_unless_english_is_asked_for(sqlite_site: Site, language: str, asked: str) -> None:
    sentence = "This server address is no longer valid. Ask your supervisor for a new QR code."
    answer = requests.get(f"{sqlite_site.url}/key/wrong/formList{asked}")
    assert message_of(answer.content) == translate(sentence, language)
    assert translate(sentence, "vi") != sentence


def test_addresses_are_those_of_the_public_url(run_site: Callable[[Settings], Site], settings: Settings) -> None:
    site = run_site(settings.model_copy(update={"public_url": "https://tiem.example.vn/nha/"}))
    token = site.user("canvasser", "001").token
    for form in site.phone(token).form_list():
        assert form.download_url.startswith(f"https://tiem.example.vn/nha/key/{token}/forms/{form.form_id}/")


def test_addresses_behind_a_proxy_are_those_that_it_names(
    run_site: Callable[[Settings], Site], settings: Settings
) -> None:
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "tiem.example.vn", "X-Forwarded-Prefix": "/nha"}
    site = run_site(settings.model_copy(update={"behind_proxy": True}))
    token = site.user("canvasser", "001").token
    answer = requests.get(f"{site.url}/key/{token}/formList", headers=forwarded)
    assert f"<downloadUrl>https://tiem.example.vn/nha/key/{token}/forms/plain/1/form.xml<" in answer.text


def test_forwarded_addresses_are_ignored_without_a_proxy(sqlite_site: Site) -> None:
    token = sqlite_site.user("canvasser", "001").token
    answer = requests.get(f"{sqlite_site.url}/key/{token}/formList", headers={"X-Forwarded-Host": "elsewhere.example"})
    assert "elsewhere" not in answer.text


def test_key_in_the_address_may_be_any_text(sqlite_site: Site) -> None:
    for key in ("", "%2E%2E", "%00", "a%2Fb", quote("khoá"), "x" * 5000):
        answer = requests.get(f"{sqlite_site.url}/key/{key}/formList")
        assert answer.status_code in (403, 404), key


def test_two_phones_ask_at_once_while_a_version_is_published(site: Site, tmp_path: Path) -> None:
    """Whatever moment they hit, each gets a whole list whose files match their hashes."""
    faults: list[Exception] = []
    stop = threading.Event()

    def ask(phone: Collect) -> None:
        while not stop.is_set():
            try:
                phone.match_exactly()
                assert {form_id for form_id, _ in phone.forms} == {"house_check", "plain"}
            except Exception as fault:
                faults.append(fault)
                return

    threads = [threading.Thread(target=ask, args=(site.phone(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        publish.publish(site.reference, write_house_check(tmp_path / "next", NEXT_VERSION))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert faults == []


def test_a_phone_is_answered_without_a_session(sqlite_site: Site) -> None:
    """What was worked out for a session says so: the answer varies by the cookie."""
    token = sqlite_site.user("canvasser", "001").token
    for address in (f"/key/{token}/formList", "/formList", "/key/nobody/formList"):
        answer = requests.get(f"{sqlite_site.url}{address}")
        assert "Cookie" not in answer.headers.get("Vary", "")
        assert not answer.cookies
    assert "Cookie" in requests.get(f"{sqlite_site.url}/sign-in").headers["Vary"]
