"""Locust as users start it, and a product for it that counts what it is asked."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.load.generator import LOCUSTFILE
from bench.processes.guarded import ROOT
from tests.processes import free_port

SABOTAGED = Path(__file__).with_name("sabotaged_locustfile.py")
PREDICTION = {"labels": [{"label": "tabby"}], "model": {"version": "1"}, "source": "live"}


@contextmanager
def locust(*argv: str, sabotage: str = "") -> Iterator[subprocess.Popen[str]]:
    """Start Locust; it and what it starts ends with the test. The sabotaged locustfile has one thing broken."""
    file, env = (SABOTAGED, {"SABOTAGE": sabotage}) if sabotage else (LOCUSTFILE, {})
    command = [sys.executable, "-m", "locust", "-f", str(file), *argv]
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, **how) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for its end; return exit code and output."""
    out, _ = process.communicate(timeout=60)
    assert "Traceback" not in out, out
    return process.returncode, out


def complaints(out: str) -> list[str]:
    """The lines with which we complain."""
    return [line.partition("sweetspot: ")[2] for line in out.splitlines() if "/ERROR/sweetspot: " in line]


def network() -> tuple[str, ...]:
    """Where master and workers meet: only on this machine."""
    return "--master-bind-host", "127.0.0.1", "--master-bind-port", str(free_port())


def processes(count: int = 2) -> tuple[str, ...]:
    """So many processes that meet at a port of their own."""
    meet = network()
    return "--processes", str(count), *meet, "--master-port", meet[-1]


def ask(url: str, **form: str) -> dict[str, Any]:
    """Ask the web page of Locust."""
    body = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(url, data=body, timeout=10) as answer:
        return dict(json.loads(answer.read()))


class Product:
    """A product that counts. It answers to any path prefix, and its photo list is what it is told, as text."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.listed = json.dumps({"photos": [{"id": "1"}, {"id": "2"}], "next": None})
        self.prediction = json.dumps(PREDICTION)
        self.asked: list[str] = []  # paths, without the photo lists
        self.hosts: set[str] = set()

    def answer(self, path: str, host: str) -> bytes:
        """Answer one request."""
        self.hosts.add(host)
        if "limit" in urlsplit(path).query:
            return self.listed.encode()
        self.asked.append(path)
        return self.prediction.encode() if path.endswith("/prediction") else json.dumps({"id": path[-1]}).encode()


@contextmanager
def product() -> Iterator[Product]:
    """Run a product that counts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = running.answer(self.path, self.headers["Host"])
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            pass  # a generator that is stopped hangs up

    with Server(("127.0.0.1", 0), Handler) as server:
        running = Product(f"http://127.0.0.1:{server.server_port}")
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield running
        finally:
            server.shutdown()
            serving.join()


def told(process: subprocess.Popen[str], words: str) -> Sequence[str]:
    """Read its output until a line has these words; return the lines."""
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError("".join(lines))
