"""A small right V2 server with all extensions, and a place to spoil any one of its answers.

Its model adds nothing to the world: input `x`, outputs `scores` (0, 1, 2, 3) and `label`. A refusal carries the id of
the check that provokes it, so that a test can spoil just this one.
"""

import json
import math
import re
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HEADER_LENGTH = "Inference-Header-Content-Length"
MODEL = "double"
EXTENSIONS = ["binary_tensor_data", "model_repository", "classification", "statistics", "schedule_policy"]
OUTPUTS = [
    {"name": "scores", "datatype": "FP32", "shape": [-1, 4]},
    {"name": "label", "datatype": "BYTES", "shape": [-1, 1]},
]
ITEM = {"FP32": 4, "INT64": 8}
INFER = re.compile(rf"/v2/models/{MODEL}(/versions/1)?/infer")
KNOWN = re.compile(rf"/v2/models/{MODEL}(/versions/1)?(?P<tail>/ready|/stats)?")
REPOSITORY = re.compile(r"/v2/repository/models/([^/]+)/(load|unload)")


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The JSON of an inference request, as far as there is any."""
        try:
            found = json.loads(self.body[: int(self.headers.get(HEADER_LENGTH.lower(), len(self.body)))])
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Reply:
    status: int = 200
    document: Any = None
    data: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    why: str = ""


Spoil = Callable[[Asked, Reply], Reply]


def strings(values: list[str]) -> bytes:
    return b"".join(struct.pack("<I", len(each.encode())) + each.encode() for each in values)


class RefusedError(Exception):
    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.reply = Reply(status, {"error": f"refused: {why}"}, why=why)


def require(condition: object, why: str, status: int = 400) -> None:
    if not condition:
        raise RefusedError(why, status)


class Fake:
    """What answers. `datatype` and `shape` are those of its input."""

    def __init__(self, datatype: str = "FP32", shape: tuple[int, ...] = (-1, 2)) -> None:
        self.inputs = [{"name": "x", "datatype": datatype, "shape": list(shape)}]
        self.extensions = list(EXTENSIONS)
        self.spoil: Spoil = lambda _, reply: reply
        self.count = 0
        self.asked: list[Asked] = []

    @property
    def metadata(self) -> dict[str, Any]:
        return {"name": MODEL, "versions": ["1"], "platform": "none", "inputs": self.inputs, "outputs": OUTPUTS}

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        try:
            reply = self._answer(asked)
        except RefusedError as refused:
            reply = refused.reply
        return self.spoil(asked, reply)

    def _answer(self, asked: Asked) -> Reply:
        if INFER.fullmatch(asked.path):
            require(asked.method == "POST", "error-method", 405)
            return self._infer(asked)
        require(not asked.path.endswith("/infer"), self._unknown(asked.path), 404)
        if asked.method == "POST":
            return self._repository(asked)
        simple = {
            "/v2": {"name": "fake", "version": "0", "extensions": self.extensions},
            "/v2/": {"name": "fake", "version": "0", "extensions": self.extensions},
            "/v2/health/live": {"live": True},
            "/v2/health/ready": {"ready": True},
            "/v2/models/stats": self._stats(),
        }
        if asked.path in simple:
            return Reply(200, simple[asked.path])
        known = KNOWN.fullmatch(asked.path)
        require(known, "error-unknown-model" if "/models/" in asked.path else "error-unknown-path", 404)
        tail = known["tail"] if known else None
        return Reply(200, {"/ready": {"name": MODEL, "ready": True}, "/stats": self._stats()}.get(tail, self.metadata))

    def _unknown(self, path: str) -> str:
        return "error-unknown-version" if "/versions/" in path else "error-unknown-model-infer"

    def _repository(self, asked: Asked) -> Reply:
        if asked.path == "/v2/repository/index":
            return Reply(200, [{"name": MODEL, "version": "1", "state": "READY", "reason": ""}])
        route = REPOSITORY.fullmatch(asked.path)
        require(route, "no route", 404)
        raise RefusedError(f"repository-{route[2]}-unknown" if route else "", 400)

    def _stats(self) -> dict[str, Any]:
        names = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")
        counts = {"last_inference": 1, "inference_count": self.count, "execution_count": self.count}
        durations = {name: {"count": self.count, "ns": 1} for name in names}
        return {
            "model_stats": [{"name": MODEL, "version": "1", **counts, "inference_stats": durations, "batch_stats": []}]
        }

    def _infer(self, asked: Asked) -> Reply:
        length = asked.headers.get(HEADER_LENGTH.lower())
        if length == "0":
            [tensor] = self.inputs
            content = asked.body if tensor["datatype"] == "FP32" else struct.pack("<I", len(asked.body)) + asked.body
            shape = [1 if size < 0 else size for size in tensor["shape"]]
            entry = {**tensor, "shape": shape, "parameters": {"binary_data_size": len(content)}}
            return self._reply({"inputs": [entry], "parameters": {"binary_data_output": True}}, content)
        require(length is None or length.isdigit(), "binary-header-no-number")
        size = len(asked.body) if length is None else int(length)
        require(size <= len(asked.body), "binary-header-too-large")
        require(asked.body, "error-empty-body")
        try:
            document = json.loads(asked.body[:size])
        except ValueError as error:
            raise RefusedError("error-broken-json" if length is None else "binary-header-cut") from error
        require(isinstance(document, dict), "error-not-an-object")
        return self._reply(document, asked.body[size:])

    def _reply(self, document: dict[str, Any], data: bytes) -> Reply:
        require(document.get("inputs"), "error-no-inputs")
        [tensor], [declared] = document["inputs"], self.inputs
        for name in ("datatype", "shape"):
            require(name in tensor, f"error-no-{name}")
        require(tensor["name"] == declared["name"], "error-input-name")
        require(tensor["datatype"] in {"BYTES", *ITEM}, "error-datatype-unknown")
        require(tensor["datatype"] == declared["datatype"], "error-datatype")
        require(len(tensor["shape"]) == len(declared["shape"]), "error-shape")
        require(min(tensor["shape"]) >= 0, "error-shape-negative")
        self._data(tensor, data)
        self.count += tensor["shape"][0]
        return self._outputs(document, tensor["shape"][0])

    def _data(self, tensor: dict[str, Any], data: bytes) -> None:
        size, count = tensor.get("parameters", {}).get("binary_data_size"), math.prod(tensor["shape"])
        if size is None:
            require("data" in tensor, "error-no-data")
            flat = json.loads("[" + re.sub(r"[\[\]]", "", json.dumps(tensor["data"])) + "]")
            require(not any(isinstance(each, dict) for each in flat), "error-element-type")
            require(len(flat) == count, "error-element-count")
            return
        require(size <= len(data), "binary-size-too-large")
        if tensor["datatype"] == "FP32":
            require(size == 4 * count, "binary-size-unlike-shape")
            return
        for _ in range(count):
            (length,) = struct.unpack_from("<I", data)
            require(4 + length <= len(data), "binary-element-too-long")
            data = data[4 + length :]
        require(not data, "binary-size-unlike-shape")

    def _outputs(self, document: dict[str, Any], rows: int) -> Reply:
        known = {output["name"]: output for output in OUTPUTS}
        default = document.get("parameters", {}).get("binary_data_output", False)
        entries, data = [], b""
        for wanted in document.get("outputs", OUTPUTS):
            require(wanted["name"] in known, "error-unknown-output")
            parameters = wanted.get("parameters", {})
            entry = self._output(known[wanted["name"]], rows, parameters.get("classification"))
            if parameters.get("binary_data", default):
                values = entry.pop("data")
                raw = strings(values) if entry["datatype"] == "BYTES" else struct.pack(f"<{len(values)}f", *values)
                entry["parameters"] = {"binary_data_size": len(raw)}
                data += raw
            entries.append(entry)
        identity = {"id": document["id"]} if "id" in document else {}
        return Reply(200, {"model_name": MODEL, "model_version": "1", **identity, "outputs": entries}, data)

    def _output(self, declared: dict[str, Any], rows: int, best: int | None) -> dict[str, Any]:
        if best:
            data: list[Any] = [f"{value}.5:{value}:class {value}" for value in (3, 2, 1)] * rows
            return {"name": declared["name"], "datatype": "BYTES", "shape": [rows, best], "data": data}
        data = [0.0, 1.0, 2.0, 3.0] * rows if declared["datatype"] == "FP32" else ["é"] * rows
        return {**declared, "shape": [rows, declared["shape"][1]], "data": data}


@contextmanager
def serving(fake: Fake) -> Iterator[str]:
    """Serve on a free port; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send(fake.answer(Asked(self.command, self.path, headers, body)))

        do_POST = do_GET  # noqa: N815 - the name is the method's

        def send(self, reply: Reply) -> None:
            text = b"" if reply.document is None else json.dumps(reply.document).encode()
            headers = {"Content-Type": "application/json", "Content-Length": str(len(text + reply.data))}
            if reply.data:
                headers |= {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(text))}
            self.send_response(reply.status)
            for name, value in (headers | reply.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text + reply.data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def instead(reply: Reply, **fields: Any) -> Reply:
    """The same reply with some fields of its JSON object replaced; those that become None are left out."""
    changed = {**reply.document, **fields}
    return replace(reply, document={name: value for name, value in changed.items() if value is not None})
