"""A real Chromium for the page tests, with the network cut: it reaches this machine and nothing else.

``python -m tests.browser`` prints the browser that the tests would use, or ends with status 1.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Request,
    Response,
    StorageState,
)

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
MACS = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)
HERE = "127.0.0.1"
LEFT_OUT = (
    # Those that Playwright leaves out: of two flags the browser heeds the last one alone.
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "TcpPortRandomizationWin",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "msForceBrowserSignIn",
    "msEdgeUpdateLaunchServicesPreferredVersion",
    # Each window would carry two pages that suggest addresses, each page the process of a next one: half of all work.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "SpareRendererForSitePerProcess",
    "RenderDocument",
)
"""Parts of the browser around its pages that no test looks at."""
FLAGS = (
    f"--disable-features={','.join(LEFT_OUT)}",
    "--no-sandbox",  # a container's root has no other way
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HERE}",
)
LOCALES = {"vi": "vi-VN", "en": "en-GB"}
HEIGHTS = {390: 844, 1366: 768}
QUIET_SECONDS, PATIENCE_SECONDS = 0.12, 60


class NoChromium(Exception):
    """No browser could be started; the text says what to install."""


def find() -> Path | None:
    """The browser of this machine: what CHROMIUM names, one on the PATH, or Playwright's own download."""
    named = os.environ.get("CHROMIUM")
    if named:
        return Path(named) if Path(named).exists() else None
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    for place in MACS:
        if Path(place).exists():
            return Path(place)
    cache = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "ms-playwright"
    downloaded = sorted(cache.glob("chromium-*/chrome-*/chrome"))
    return downloaded[-1] if downloaded else None


def launch(playwright: Playwright) -> Browser:
    """Start the browser. Raises NoChromium where there is none, or where it does not start."""
    executable = find()
    if executable is None:
        raise NoChromium("no Chromium found: apt-get install chromium, or name one in the variable CHROMIUM")
    try:
        return playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
    except Exception as error:  # Playwright raises its general Error for everything from a missing library on
        raise NoChromium(f"{executable} does not start: {str(error).strip()[:400]}") from error


def stands(shown: Locator) -> None:
    """Wait until something is where it was a third of a second ago; ``hover`` and ``click`` wait for two frames."""
    before, give_up = None, time.monotonic() + PATIENCE_SECONDS
    while before is None or before != shown.bounding_box():
        before = shown.bounding_box()
        shown.page.wait_for_timeout(330)
        assert time.monotonic() < give_up, f"still moving: {shown}"


@dataclass
class Pages:
    """Opens pages and keeps what went wrong on them.

    problems: one line each for a request to another machine, a failed request, a status from 400 on, an uncaught
    exception and an error on the console. A test that expects one takes it out; what is left fails the test.
    """

    browser: Browser
    problems: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)
    asking: set[Request] = field(default_factory=set)

    def __call__(self, width: int = 1366, language: str = "vi", signed_in: StorageState | None = None) -> Page:
        """An empty page, that wide, in a session of its own whose browser asks for that language.

        signed_in: what ``sign_in`` kept, so that the session begins with it.
        """
        context = self.browser.new_context(
            viewport={"width": width, "height": HEIGHTS.get(width, 800)},
            locale=LOCALES[language],
            timezone_id="Asia/Ho_Chi_Minh",
            storage_state=signed_in,
        )
        self.contexts.append(context)
        # Listening instead of routing: a routed context loses its HTTP cache, which is part of what is tested.
        context.on("request", self._request)
        context.on("requestfinished", self._finished)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.problems.append(f"exception: {error.error}"))
        return context.new_page()

    def sign_in(self, url: str, name: str, password: str) -> StorageState:
        """Sign in once at the site of that address, for many pages."""
        page = self()
        page.goto(f"{url}/sign-in?next=/submissions")
        page.locator("[name=name]").fill(name)
        page.locator("[name=password]").fill(password)
        page.locator("main button[type=submit]").click()
        page.wait_for_url(f"{url}/submissions")
        return page.context.storage_state()

    def settle(self, page: Page) -> None:
        """Wait until nothing was asked of a server for a while; Playwright's "networkidle" waits four times as long."""
        page.wait_for_load_state("load")
        since, give_up = time.monotonic(), time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() - since < QUIET_SECONDS:
            page.wait_for_timeout(QUIET_SECONDS * 250)
            if self.asking:
                since = time.monotonic()
            assert since < give_up, f"still asking: {', '.join(sorted(each.url for each in self.asking))}"

    def finish(self) -> None:
        """Close every session; fails if anything went wrong on one of them."""
        self.close()
        assert not self.problems, "on the pages of this test:\n" + "\n".join(self.problems)

    def close(self) -> None:
        """Close every session; their last requests may still report a problem."""
        for context in self.contexts:
            context.close()
        self.contexts.clear()
        self.asking.clear()

    def _request(self, request: Request) -> None:
        self.asking.add(request)
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != HERE:
            self.problems.append(f"asked another machine: {request.url}")

    def _finished(self, request: Request) -> None:
        self.asking.discard(request)

    def _failed(self, request: Request) -> None:
        self.asking.discard(request)
        # A page that leaves, or drops a question it no longer needs, aborts its own requests: no fault.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"failed: {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"status {response.status}: {response.url}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text}")


if __name__ == "__main__":
    browser = find()
    print(browser or "no Chromium found")
    sys.exit(browser is None)
