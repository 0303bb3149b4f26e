"""A test fixture: a tiny real HTTP server that speaks the product's contract with made-up answers.

It is also the proof that a new variant is nothing but a folder with a `stack.toml`. `TOY_LABEL` changes its first
label, `TOY_PREDICTION_STATUS` what predictions answer, so that tests can see wrong and failing variants;
`TOY_PREDICTION_MS` makes predictions queue for a model that takes so long; from prediction number `TOY_WRONG_FROM` on
the labels are wrong.
"""

import itertools
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PHOTOS = [f"photo-{number}" for number in range(7)]
LABELS = [os.environ.get("TOY_LABEL", "tabby"), "tiger cat", "lynx", "teapot", "stove"]
MODEL = {"name": "toy", "version": "1", "provider": "none"}
STATUS = int(os.environ.get("TOY_PREDICTION_STATUS", "200"))
SERVICE_S = float(os.environ.get("TOY_PREDICTION_MS", "0")) / 1000
WRONG_FROM = float(os.environ.get("TOY_WRONG_FROM", "inf"))
NUMBERS, MODEL_IS_FREE = itertools.count(1), threading.Lock()
ROUTE = re.compile(r"(?P<api>/api)?/photos/(?P<id>[^/?]+)(?P<part>/prediction|/image)?$")


class Toy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        path, _, query = self.path.partition("?")
        found = ROUTE.match(path)
        if path == "/readyz":
            self.answer(200, {"ready": True, "model": MODEL})
        elif path == "/api/photos":
            self.answer(200, self.page(query))
        elif found and found["id"] in PHOTOS:
            self.photo(found["id"], (found["api"] or "") + (found["part"] or ""))
        else:
            self.answer(404, {"title": "unknown"})

    def page(self, query):
        after = dict(part.split("=") for part in query.split("&")).get("after")
        start = PHOTOS.index(after) + 1 if after else 0
        page = PHOTOS[start : start + 3]  # small pages, so that paging is really needed
        return {"photos": [{"id": name, "version": 1} for name in page], "next": page[-1] if len(page) == 3 else None}

    def photo(self, name, part):
        if part == "/api/prediction":
            labels = LABELS if next(NUMBERS) < WRONG_FROM else LABELS[::-1]
            scores = [{"label": label, "score": 1 / (rank + 2)} for rank, label in enumerate(labels)]
            body = {"photo_id": name, "photo_version": 1, "labels": scores, "model": MODEL, "source": "live"}
            with MODEL_IS_FREE:
                time.sleep(SERVICE_S)
            self.answer(STATUS, body)
        elif part == "/api/image":
            self.send(200, "image/jpeg", b"\xff\xd8 not really a photo \xff\xd9")
        elif part == "/api":
            self.answer(200, {"id": name, "version": 1})
        else:
            self.send(200, "text/html", b"<h1>photo</h1>")

    def answer(self, status, body):
        self.send(status, "application/json", json.dumps(body).encode())

    def send(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Server-Timing", "app;dur=0.5, infer;dur=0.25")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer.request_queue_size = 128  # while predictions queue, every request opens a connection
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Toy).serve_forever()
