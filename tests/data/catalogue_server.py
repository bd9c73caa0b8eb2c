"""A catalogue home on this machine: serves given bytes with Range, and misbehaves on request."""

import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Site:
    """What is served by path, how it misbehaves, and the requests it saw: (path, Range header or "")."""

    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: int | None = None
    """Close the connection after this many bytes of the body, once."""
    ranges: bool = True
    """False: always the whole file with status 200."""
    wrong_range: bool = False
    """Answer a Range request with 206 from a byte that was not asked for."""
    status: int | None = None
    redirect: str | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)
    base: str = ""


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site = self.server.site
        asked = self.headers.get("Range", "")
        site.requests.append((self.path, asked))
        if site.redirect:
            self._head(302, {"Location": site.redirect, "Content-Length": "0"})
        elif site.status or self.path not in site.files:
            self._head(site.status or 404, {"Content-Length": "0"})
        else:
            self._send(site, site.files[self.path], asked)

    def _send(self, site: Site, body: bytes, asked: str) -> None:
        start = int(match[1]) if site.ranges and (match := re.fullmatch(r"bytes=(\d+)-", asked)) else None
        if start is None:
            self._head(200, {"Content-Length": str(len(body))})
            self._body(site, body)
        elif start >= len(body):
            self._head(416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"})
        else:
            start = start // 2 if site.wrong_range else start
            place = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self._head(206, {"Content-Range": place, "Content-Length": str(len(body) - start)})
            self._body(site, body[start:])

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _body(self, site: Site, body: bytes) -> None:
        if site.cut_after is not None:
            body, site.cut_after = body[: site.cut_after], None
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    site: Site
    daemon_threads = True


class running:
    """`with running(site):` serves until the block ends."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.site = site
        site.base = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Site:
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self.site

    def __exit__(self, *args: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
