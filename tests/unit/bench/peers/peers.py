"""A peer of a few lines for tests: it answers its ready path and tells what it was started with."""

from pathlib import Path

from bench.peers.peer import Peer, load

# It answers {answer} to everything, with its arguments, and leaves a file in its scratch folder.
SERVER = """
import http.server, json, os, sys

class Toy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({answer})
        self.end_headers()
        self.wfile.write(json.dumps([sys.argv[2:], os.environ["SEEN"], os.environ["TMPDIR"]]).encode())

    def log_message(self, *_):
        pass

print("the toy starts", file=sys.stderr, flush=True)
open(os.path.join(sys.argv[3], "left"), "w").close()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Toy).serve_forever()
"""
TOML = """
title = "Toy"
release = "1.0"
form = "the simplest"
run = ["{python}", "{folder}/server.py", "{port}", "{model}", "{scratch}", "{version}"]
ready = "/ready/{model}"

[env]
SEEN = "{models}"

[request]
kind = "raw"
path = "/classify/{model}"
"""


def toy(folder: Path, text: str = TOML, *, answer: int = 200, lock: str | None = None) -> Peer:
    """Write a peer's folder and read it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "peer.toml").write_text(text, encoding="utf-8")
    (folder / "server.py").write_text(SERVER.replace("{answer}", str(answer)), encoding="utf-8")
    if lock is not None:
        (folder / "requirements.txt").write_text(lock, encoding="utf-8")
    return load(folder)
