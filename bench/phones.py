"""Phones that upload as ODK Collect does: a HEAD, then one multipart POST a submission over a connection kept alive.

Each phone is a process with one socket. Requests are bytes made beforehand, so that the clients cost next to nothing
beside the server that is measured.
"""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from urllib.parse import urlsplit

FORK = multiprocessing.get_context("fork")
BOUNDARY = "8f2a6c1e-3b0d-4a57-9c44-5d1f7e0b9a63"
TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class Target:
    """An OpenRosa server: what stands before /formList and /submission, over plain HTTP."""

    url: str

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        if parts.scheme != "http" or not parts.hostname:
            raise SystemExit(f"{self.url} is not an http:// address")
        return parts.hostname, parts.port or 80

    def post(self, xml: bytes) -> bytes:
        """One submission as Collect posts it."""
        body = b"".join(
            (
                f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="xml_submission_file"; '
                'filename="census_2022-09-08_10-15-00.xml"\r\nContent-Type: text/xml; charset=utf-8\r\n'
                f"Content-Length: {len(xml)}\r\n\r\n".encode(),
                xml,
                f"\r\n--{BOUNDARY}--\r\n".encode(),
            )
        )
        return self._head("POST", f"multipart/form-data; boundary={BOUNDARY}", len(body)) + body

    def head(self) -> bytes:
        """What Collect asks before its first upload to a server."""
        return self._head("HEAD")

    def _head(self, method: str, content_type: str = "", length: int = 0) -> bytes:
        parts = urlsplit(self.url)
        lines = [
            f"{method} {parts.path.rstrip('/')}/submission?deviceID=collect%3Abench HTTP/1.1",
            "X-OpenRosa-Version: 1.0",
            "Date: Thu, 08 Sep 2022 10:15:00 GMT+07:00",
            *([f"Content-Type: {content_type}", f"Content-Length: {length}"] if content_type else []),
            f"Host: {parts.netloc}",
            "Connection: Keep-Alive",
            "Accept-Encoding: gzip",
            "User-Agent: org.odk.collect.android/bench",
            "\r\n",
        ]
        return "\r\n".join(lines).encode()


@dataclass(frozen=True, slots=True)
class Run:
    """What phones saw: seconds from the first request to the last answer, and each POST's milliseconds."""

    seconds: float
    latencies_ms: tuple[float, ...]

    def percentile(self, share: float) -> float:
        """The latency that a share of the POSTs stayed below, milliseconds."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def upload(target: Target, shares: Sequence[Sequence[bytes]], begin_s: float = 0.5) -> Run:
    """Send every share from a phone of its own, all at once; each share is a list of POSTs.

    Ends the program where an answer is not 201: then nothing was measured.
    """
    begin = time.monotonic() + begin_s
    phones = []
    for share in shares:
        ours, theirs = FORK.Pipe(duplex=False)
        phone = FORK.Process(target=_phone, args=(target, share, begin, theirs))
        phone.start()
        phones.append((phone, ours))
    latencies: list[float] = []
    end = begin
    for phone, ours in phones:
        problem, finished, mine = ours.recv()
        phone.join()
        if problem:
            raise SystemExit(f"a phone was answered: {problem}")
        latencies += mine
        end = max(end, finished)
    return Run(end - begin, tuple(latencies))


def _phone(target: Target, posts: Sequence[bytes], begin: float, answer: Connection) -> None:
    latencies: list[float] = []
    line = Line(target)
    problem = "" if (status := line.ask(target.head(), bodiless=True)) == 204 else f"HEAD {status}"
    time.sleep(max(0.0, begin - time.monotonic()))
    for post in () if problem else posts:
        start = time.perf_counter()
        status = line.ask(post)
        latencies.append((time.perf_counter() - start) * 1000)
        if status != 201:
            problem = f"POST {status}"
            break
    answer.send((problem, time.monotonic(), latencies))


class Line:
    """A connection to a server, kept alive, and made anew where the server closes it after an answer."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._rest = b""
        self._connect()

    def _connect(self) -> None:
        self.socket = socket.create_connection(self._target.address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes, bodiless: bool = False) -> int:
        """Status of the answer. bodiless: the question was a HEAD."""
        self.socket.sendall(request)
        return self.answer(bodiless)

    def answer(self, bodiless: bool = False) -> int:
        """Read the next answer; its status."""
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head, data = data[:end].lower(), data[end + 4 :]
        status = int(head[9:12])
        if not bodiless and status not in (204, 304):
            data = self._body(head, data)
        self._rest = data
        if b"\nconnection: close" in head:
            self._rest = b""
            self.socket.close()
            self._connect()
        return status

    def _body(self, head: bytes, data: bytes) -> bytes:
        """Read the body away; what was read beyond it."""
        at = head.find(b"\ncontent-length:")
        if at >= 0:
            length = int(head[at + 16 :].split(b"\r\n", 1)[0])
            while len(data) < length:
                data += self._more()
            return data[length:]
        # Chunked: nothing within an OpenRosa answer looks like its last chunk.
        while (end := data.find(b"0\r\n\r\n")) < 0:
            data += self._more()
        return data[end + 5 :]

    def _more(self) -> bytes:
        data = self.socket.recv(65536)
        if not data:
            raise SystemExit("the server closed the connection")
        return data


class SlowPhones:
    """Phones on a bad line: each uploads at a few kilobytes a second, over and over, until told to stop.

    posts: what they send, each once. ``stop`` lets uploads under way finish, and says how many were received.
    """

    def __init__(self, target: Target, posts: Sequence[bytes], number: int, bytes_per_s: int) -> None:
        self._stop = FORK.Event()
        self._ours, theirs = FORK.Pipe(duplex=False)
        self._process = FORK.Process(target=_slow, args=(target, posts, number, bytes_per_s, self._stop, theirs))
        self._process.start()

    def stop(self) -> int:
        """The first so many of the posts were received."""
        self._stop.set()
        problem, sent = self._ours.recv()
        self._process.join()
        if problem:
            raise SystemExit(f"a slow phone was answered: {problem}")
        return int(sent)


def _slow(
    target: Target, posts: Sequence[bytes], number: int, bytes_per_s: int, stop: Event, answer: Connection
) -> None:
    waiting = iter(posts)
    lines: dict[Line, bytes] = {}
    chooser = selectors.DefaultSelector()
    for _ in range(number):
        line = Line(target)
        chooser.register(line.socket, selectors.EVENT_READ, line)
        lines[line] = next(waiting)
    piece = max(1, round(bytes_per_s * TICK_S))
    answered, problem, turn = 0, "", 0
    while lines and not problem:
        # A tick is shared out among the phones, which do not send in step.
        for line in list(lines)[turn::10]:
            if lines[line]:
                line.socket.sendall(lines[line][:piece])
                lines[line] = lines[line][piece:]
        turn = (turn + 1) % 10
        pause = time.monotonic() + TICK_S / 10
        for key, _ in chooser.select(TICK_S / 10):
            line = key.data
            chooser.unregister(line.socket)
            status = line.answer()
            if status != 201:
                problem = f"POST {status}"
            answered += 1
            following = None if stop.is_set() else next(waiting, None)
            if following is None:
                line.socket.close()
                del lines[line]
            else:
                chooser.register(line.socket, selectors.EVENT_READ, line)
                lines[line] = following
        time.sleep(max(0.0, pause - time.monotonic()))
    answer.send((problem, answered))
