"""The nginx example of deploy/, really in front of the product: sign-in, map, a phone's photos, no keys in logs.

The product stands below a path of its host there, which is more than it standing alone: nginx takes nothing off, and
every address has to name the path.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from bs4 import BeautifulSoup
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser, Response

from mapper.services import accounts
from mapper.services.reference import Reference
from mapper.store.database import Database
from tests.browser import Pages
from tests.client.site import House
from tests.faults.ground import (
    CHECKOUT,
    Ground,
    Nursery,
    Phone,
    Promise,
    check,
    free_port,
    ground,
    sqlite_in,
    token_of,
    until,
)

NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else "")
PATH = "/tungnha"
PASSWORD = "một mật khẩu đủ dài 7"


@dataclass(frozen=True)
class Front:
    """nginx before an installation. certificate: of its own making; log: folder of nginx's logs."""

    here: Ground
    port: int
    plain_port: int
    certificate: Path
    log: Path

    @property
    def url(self) -> str:
        """What phones and browsers are given."""
        return f"{self.host}{PATH}"

    @property
    def host(self) -> str:
        """The host that it is a part of."""
        return f"https://localhost:{self.port}"

    def browser(self) -> requests.Session:
        """Somebody who trusts the certificate."""
        made = requests.Session()
        made.verify, made.trust_env = str(self.certificate), False
        return made


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "fullchain.pem", folder / "privkey.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, secret


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, started: Nursery) -> Iterator[Front]:
    """The example with this machine's ports and folders in it, and nothing else changed."""
    if not NGINX:
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("nginx")
    certificate, secret = make_certificate(folder)
    port, plain = free_port(), free_port()
    settings = {"behind_proxy": True, "public_url": f"https://localhost:{port}{PATH}", "metrics_token": "a" * 20}
    url = sqlite_in(folder / "data")
    with ground(url, folder / "data", started, settings=settings) as here:
        example = (CHECKOUT / "deploy" / "nginx.conf").read_text("utf-8")
        for there, own in (
            ("server 127.0.0.1:8000;", f"server 127.0.0.1:{here.port};"),
            ("listen 80;", f"listen 127.0.0.1:{plain};"),
            ("    listen [::]:80;\n", ""),
            ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
            ("    listen [::]:443 ssl http2;\n", ""),
            ("tiem.example.vn", "localhost"),
            ("/etc/ssl/tungnha/fullchain.pem", str(certificate)),
            ("/etc/ssl/tungnha/privkey.pem", str(secret)),
            ("/var/log/nginx/", f"{folder}/"),
        ):
            assert there in example, there
            example = example.replace(there, own)
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"pid {folder}/nginx.pid;\nerror_log {folder}/start.log;\ndaemon off;\nmaster_process off;\n"
            f"events {{}}\nhttp {{\n{temporary}{example}}}\n",
            "utf-8",
        )
        words = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        subprocess.run([*words, "-t", "-q"], check=True, timeout=60)
        here.start()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        made = Front(here, port, plain, certificate, folder)
        try:
            until(lambda: answers(made), lambda: (folder / "start.log").read_text())
            yield made
        finally:
            process.terminate()
            process.wait(30)


def answers(front: Front) -> bool:
    with front.browser() as browser:
        try:
            return browser.get(f"{front.url}/healthz", timeout=10).status_code == 200
        except requests.ConnectionError:
            return False


def test_a_supervisor_signs_in_over_tls_and_sees_the_map(front: Front) -> None:
    reference = Reference(Database(front.here.database_url))
    accounts.add_user(reference, "giám sát", "supervisor", ["001"], PASSWORD)
    reference.database.close()
    plain = requests.get(f"http://127.0.0.1:{front.plain_port}/map?x=1", allow_redirects=False, timeout=30)
    assert (plain.status_code, plain.headers["Location"]) == (308, "https://localhost/map?x=1")
    with front.browser() as browser:
        page = BeautifulSoup(browser.get(f"{front.url}/sign-in", timeout=60).text, "lxml")
        token = page.select_one("input[name=csrf_token]")["value"]
        told = {"name": "giám sát", "password": PASSWORD, "csrf_token": token, "next": "/"}
        # flask-wtf looks at the Referer where it was told https: the X-Forwarded headers have to be right.
        answer = browser.post(
            f"{front.url}/sign-in", data=told, headers={"Referer": f"{front.url}/sign-in"}, timeout=60
        )
        assert answer.status_code == 200, answer.text[:500]
        assert all(cookie.secure for cookie in browser.cookies), browser.cookies
        assert "folium" in answer.text or "leaflet" in answer.text
        assert answer.url.startswith(front.url)
        for place in (front.url, front.host):
            assert browser.get(f"{place}/metrics", timeout=30).status_code == 404
            assert browser.get(f"{place}/healthz", timeout=30).status_code == 200


def test_a_phone_sends_large_photos_in_pieces_and_its_key_stands_in_no_log(front: Front) -> None:
    token, promises = token_of(front.here.database_url), dict[str, Promise]()
    files = {f"ảnh {number}.jpg": bytes([number]) * 1_500_000 for number in range(3)}
    with Phone(f"{front.url}/key/{token}", promises) as phone:
        phone._session.verify = str(front.certificate)
        phone.instance = "uuid:photos"
        listed = phone.form_list()
        assert all(one.download_url.startswith(f"{front.url}/key/{token}/") for one in listed)
        assert phone.send(House("uuid:photos", photo="ảnh 0.jpg").form(files)).statuses == (201, 201, 201)
        # Longer than the product takes: refused by it, in words that phones show.
        too_long = requests.post(
            f"{front.url}/key/{token}/submission", data=b"x" * 5_000_000, verify=str(front.certificate), timeout=60
        )
        assert too_long.status_code == 413
        assert "OpenRosaResponse" in too_long.text
    assert promises["uuid:photos"].files == files
    # nginx writes its line once the answer is gone.
    until(lambda: " 413 POST " in (front.log / "tungnha.log").read_text("utf-8"), lambda: "no line of the refusal")
    names = {name: path.read_text("utf-8") for path in front.log.glob("*.log") if (name := path.name)}
    names["server.log"] = front.here.log.read_text("utf-8")
    assert token not in "".join(names.values())
    lines = names["tungnha.log"].splitlines()
    assert any(" 201 POST " in line for line in lines)
    assert not any("/" in line.replace("HTTP/1.1", "").replace("HTTP/2.0", "") for line in lines), lines
    (request_id,) = {line.split()[-1] for line in lines if " 413 POST " in line}
    assert request_id in names["server.log"], "nginx's id leads to the product's line"


OPENED = ("/map", "/map/compare", "/list", "/plans", "/slips/check")


def test_below_a_path_nothing_that_a_browser_loads_or_leads_to_lies_outside_of_it(
    front: Front, chromium: Browser
) -> None:
    reference = Reference(Database(front.here.database_url))
    accounts.add_user(reference, "quản trị", "administrator", [], PASSWORD)
    reference.database.close()
    host = f"https://127.0.0.1:{front.port}"
    wrong: list[str] = []

    def seen(answer: Response) -> None:
        if not answer.url.startswith((f"{host}{PATH}/", "data:", "blob:")) or answer.status >= 400:
            wrong.append(f"{answer.status} {answer.url}")

    context = chromium.new_context(ignore_https_errors=True, service_workers="block")
    pages = Pages(chromium, contexts=[context])
    page = context.new_page()
    context.on("request", lambda asked: pages.asking.add(asked))
    context.on("requestfinished", lambda asked: pages.asking.discard(asked))
    context.on("requestfailed", lambda asked: pages.asking.discard(asked))
    page.on("response", seen)
    page.on("pageerror", lambda fault: wrong.append(str(fault)))
    page.goto(f"{host}{PATH}/sign-in")
    page.fill("[name=name]", "quản trị")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{host}{PATH}/map**")
    links = "(all) => all.map((each) => each.href || each.action)"
    found: set[str] = set()
    for path in OPENED:
        page.goto(f"{host}{PATH}{path}")
        pages.settle(page)
        found.update(page.eval_on_selector_all("a[href], form[action]", links))
    page.goto(f"{host}{PATH}/key/{token_of(front.here.database_url)}/fill")
    pages.settle(page)
    worker = page.request.get(f"{host}{PATH}/key/{token_of(front.here.database_url)}/fill-worker.js").text()
    kept = set(re.findall(r'"([^"]*/assets/[^"]+)"', worker))
    assert kept and all(each.startswith(f"{PATH}/assets/") for each in kept)
    pages.close()
    assert wrong == []
    assert {each for each in found if each.startswith(host) and not each.startswith(f"{host}{PATH}/")} == set()
    assert {f"{host}{PATH}/{name}" for name in ("plans", "audit", "sign-out")} <= {
        each.partition("?")[0] for each in found
    }


def test_no_answer_repeats_a_host_that_is_not_the_products_own(front: Front) -> None:
    key = token_of(front.here.database_url)
    told = {"Host": "elsewhere.example", "X-Forwarded-Host": "elsewhere.example", "X-Forwarded-Prefix": "/elsewhere"}
    with front.browser() as browser:
        for path in ("/sign-in", "/map", f"/key/{key}/formList", f"/key/{key}/fill", "/nothing"):
            answer = browser.get(f"{front.url}{path}", headers=told, allow_redirects=False, timeout=60)
            assert "elsewhere" not in answer.text + repr(answer.headers), path
    plain = requests.get(f"http://127.0.0.1:{front.plain_port}/", headers=told, allow_redirects=False, timeout=30)
    assert plain.headers["Location"] == "https://localhost/"


def test_old_ciphers_are_refused(front: Front) -> None:
    for ciphers, taken in (("ECDHE-ECDSA-AES128-GCM-SHA256", True), ("ECDHE-ECDSA-AES128-SHA", False)):
        asking = ssl.create_default_context(cafile=str(front.certificate))
        asking.maximum_version = ssl.TLSVersion.TLSv1_2
        asking.set_ciphers(ciphers)
        with socket.create_connection(("127.0.0.1", front.port), timeout=30) as line:
            if taken:
                with asking.wrap_socket(line, server_hostname="localhost") as spoken:
                    assert spoken.version() == "TLSv1.2"
            else:
                with pytest.raises(ssl.SSLError):
                    asking.wrap_socket(line, server_hostname="localhost")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_browsers_are_offered_http_2(front: Front) -> None:
    words = ["curl", "-sS", "--http2", "--cacert", str(front.certificate), "-o", "/dev/null", "-w", "%{http_version}"]
    done = subprocess.run([*words, f"{front.url}/sign-in"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "2"


def test_while_the_product_is_away_phones_are_told_when_to_come_again(front: Front) -> None:
    token, promises = token_of(front.here.database_url), dict[str, Promise]()
    front.here.kill()
    with front.browser() as browser:
        answer = browser.get(f"{front.url}/key/{token}/formList", timeout=30)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert re.search("<OpenRosaResponse.*Máy chủ", answer.content.decode())
    assert token not in "".join(path.read_text("utf-8") for path in front.log.glob("*.log"))
    front.here.start()
    with Phone(f"{front.url}/key/{token}", promises) as phone:
        phone._session.verify = str(front.certificate)
        phone.instance = "uuid:after"
        assert phone.send(House("uuid:after").form()).statuses == (201,)
    check(front.here.database_url, promises)
