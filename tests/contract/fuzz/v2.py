"""Requests of the Open Inference Protocol V2 gone wrong, without end and from a seed. Used by `test_v2_fuzz.py`."""

import base64
import copy
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

INFER = "/v2/models/no-op/infer"
HEADER_LENGTH = "Inference-Header-Content-Length"
MIB = 1 << 20
# fmt: off
JUNK: list[Any] = [
    None, True, False, 0, -1, 1, 2, 33, 10**9, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308, "", "x", "\0", "é\u2028😀",
    "9" * 5000, [], {}, [[]], [None], [{}], {"": None}, [0], [-1], [1, 1], [2**62, 4], [[[["x"]]]], ["!"], "image",
    "label", "BYTES",
]
NUMBERS = ["", "0", "1", "-1", "+1", " 7 ", "1e3", "0x10", "²", "٣", "9" * 40, "NaN", "1,2", "1_0", "\x00", "x"]
VERSIONS = ["1e400", "[1e400]", "[null]", '["x"]', '["../1"]', "{}", "[7]", "[-1]", "[[]]", "[" + "9" * 5000 + "]"]
METHODS = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "TRACE"]
NO_METHODS = ["CONNECT", "PRI", "get", "GETT", "", "\0", "é"]
PATHS = [
    "/", "//", "/v2", "/v2/", "/v2/models", "/v2/models/", "/v2/models//infer", "/v2/models/no-op", "/metrics", "/docs",
    "/v2/models/no-op/stats", "/v2/models/no-op/ready", "/v2/models/no-op/versions/1", "/v2/models/x/infer",
    "/v2/models/no-op/versions/2/infer", "/v2/models/../../etc/passwd", "/v2/models/%2e%2e%2fno-op/infer",
    "/v2/models/%00/infer", "/v2/models/%ff%fe/infer", "/v2/models/%F0%9F%98%80/infer", "/v2/models/modèle/infer",
    "/v2/models/%zz/infer", "/v2/models/" + "a" * 60_000 + "/infer", "/v2/models/stats", "/v2/repository/index",
    "/v2/repository/models/..%2f../load", "/v2/repository/models/nothing/unload",
    "*", "", "?", "#", "/#", "/v2?x=%", "http://elsewhere/v2", "http://", "elsewhere:80",
]
PROTOCOLS = ["HTTP/1.1", "HTTP/1.0"]
NO_PROTOCOLS = ["HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "HTTP/1.1 ", "HTTP/", "FTP/1.1", "", "http/1.1"]
HEADERS = [
    "expect: 100-continue", "connection: close", "connection: keep-alive", "connection: upgrade\r\nupgrade: websocket",
    "connection: upgrade\r\nupgrade: h2c", "transfer-encoding: gzip", "transfer-encoding: chunked", "content-length: 5",
    "content-encoding: gzip", "content-type: text/plain; charset=utf-99", "x: \x00", "no colon", ": no name",
    "x: é\xff", " folded: x", "x-request-timeout-ms: -1", "x-request-timeout-ms: 1", "x-request-timeout-ms: 0",
    "x-envoy-expected-rq-timeout-ms: " + "9" * 400, "traceparent: 00-x-y-zz", "host: \x7f", "x:\ty\r",
    "a: b\r\n" * 3000 + "a: b", "a: " + "b" * 70_000,
]
CHUNKS = [
    b"zz\r\nabc\r\n", b"-1\r\n\r\n", b"f" * 40 + b"\r\n", b"5\r\nab\r\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n",
    b"\r\n\r\n", b"3;" + b"x" * 70_000 + b"\r\nabc\r\n0\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n", b"3\r\nabc\r\n0\r\n",
    b"3\nabc\n0\n\n", b"3 \r\nabc\r\n0\r\n\r\n",
]
# fmt: on


@dataclass(frozen=True)
class Case:
    """What one connection sends. `answers`: how many there must be; 0: whatever was made of it, an answer or none."""

    kind: str
    data: bytes
    answers: int = 0
    head: bool = False  # the answer has no body
    endless: bytes = b""  # sent after the data, again and again, until there is an answer
    byte_by_byte: bool = False
    stall: bool = False  # the rest never comes: the server must give up by itself
    vanish: bool = False  # closed at once, without reading
    ids: list[str] = field(default_factory=list)  # of the answers, in order


class Fuzz:
    """Iterates over cases, the same ones for the same seed and photo."""

    def __init__(self, seed: int, photo: bytes) -> None:
        self._random, self._photo = Random(seed), photo  # noqa: S311  (wanted: the same again)
        self._kinds: list[tuple[int, Callable[[], Case]]] = [
            (30, self._json), (20, self._bytes), (10, self._header_length), (8, self._lengths), (10, self._elements),
            (10, self._chunked), (12, self._line), (10, self._header), (8, self._pipelined), (4, self._vanishing),
            (4, self._garbage), (6, self._repository), (2, self._slow), (0.3, self._stalled), (0.3, self._endless),
        ]  # fmt: skip

    def __iter__(self) -> Iterator[Case]:
        weights, kinds = zip(*self._kinds, strict=True)
        while True:
            [make] = self._random.choices(kinds, weights)
            yield make()

    def _document(self) -> dict[str, Any]:
        images = [self._photo] * self._random.randint(1, 3)
        tensor = {"name": "image", "datatype": "BYTES", "shape": [len(images)], "parameters": {}}
        tensor["data"] = [base64.b64encode(image).decode() for image in images]
        outputs = [{"name": name, "parameters": {}} for name in ("label", "score", "index", "probabilities")]
        outputs[1]["parameters"] = {"classification": 3, "binary_data": True}
        wishes = {"priority": 1, "timeout": 10**7, "binary_data_output": False}
        return {"id": "a", "parameters": wishes, "inputs": [tensor], "outputs": outputs}

    def _json(self) -> Case:
        """A document that is JSON, with something else in some places."""
        document = self._document()
        for _ in range(self._random.randint(1, 3)):
            _mutate(document, self._random)
        text = json.dumps(document, ensure_ascii=self._random.random() < 0.5).encode("utf-8", "surrogatepass")
        return Case("json", message(text), 1)

    def _bytes(self) -> Case:
        """A good request with some bytes changed."""
        data = bytearray(self._random.choice([self._binary(), message(json.dumps(self._document()).encode())]))
        for _ in range(self._random.randint(1, 8)):
            at = self._random.randrange(min(len(data), self._random.choice([40, 400, len(data)])))
            what = self._random.randrange(4)
            if what == 0:
                data[at] = self._random.randrange(256)
            elif what == 1:
                del data[at : at + self._random.randint(1, 9)]
            elif what == 2:
                data[at:at] = self._random.randbytes(self._random.randint(1, 9))
            else:
                data[at:at] = data[at : at + 40]
        return Case("bytes", bytes(data))

    def _binary(self, length: str | None = None, size: object = None, elements: bytes | None = None) -> bytes:
        elements = self._element() if elements is None else elements
        tensor = {"name": "image", "datatype": "BYTES", "shape": [1]}
        tensor["parameters"] = {"binary_data_size": len(elements) if size is None else size}
        header = json.dumps({"inputs": [tensor]}).encode()
        return message(header + elements, f"{HEADER_LENGTH}: {len(header) if length is None else length}")

    def _element(self) -> bytes:
        return struct.pack("<I", len(self._photo)) + self._photo

    def _header_length(self) -> Case:
        number = self._random.choice([*NUMBERS, str(self._random.randrange(500))])
        return Case("header length", self._binary(length=number), 0 if "\0" in number else 1)

    def _lengths(self) -> Case:
        """A Content-Length that is not the body's: too short, too long, none at all, or no number."""
        wrong = self._random.choice([*NUMBERS, str(self._random.randrange(2000)), "10, 10"])
        return Case("content length", message(self._photo, f"{HEADER_LENGTH}: 0", length=wrong))

    def _elements(self) -> Case:
        """Binary data whose inner lengths are wrong."""
        element, random = self._element(), self._random
        too_long = struct.pack("<I", 2**32 - 1) + element
        short = b"\xff" * random.randint(1, 9)
        wrong = random.choice([b"", short, element[:-1], element + b"\0", element * 2, too_long])
        return Case("elements", self._binary(size=random.choice([None, None, *JUNK]), elements=wrong), 1)

    def _chunked(self) -> Case:
        if self._random.random() < 0.3:
            data, at = b"", 0
            while at < len(self._photo):
                part = self._photo[at : at + self._random.randint(1, 700)]
                data, at = data + b"%x\r\n" % len(part) + part + b"\r\n", at + len(part)
            return Case("chunked", chunked(data + b"0\r\n\r\n"), 1)
        return Case("wrong chunks", chunked(self._random.choice(CHUNKS) * self._random.randint(1, 3)))

    def _line(self) -> Case:
        """A request line that is unusual or wrong."""
        pick = self._random.choice
        method, path = pick(METHODS * 3 + NO_METHODS), pick(PATHS)
        protocol = pick(PROTOCOLS * 8 + NO_PROTOCOLS)
        usual = method in METHODS and protocol in PROTOCOLS and path.startswith("/") and path.isascii()
        data = message(self._photo, f"{HEADER_LENGTH}: 0", line=f"{method} {path} {protocol}")
        return Case("request line", data, int(usual), head=method == "HEAD")

    def _header(self) -> Case:
        headers = self._random.sample(HEADERS, self._random.randint(1, 3))
        return Case("header", message(self._photo, f"{HEADER_LENGTH}: 0", *headers))

    def _pipelined(self) -> Case:
        """Several good requests at once, in one go, one of them large, and perhaps the beginning of another."""
        ids = [str(self._random.random()) for _ in range(self._random.randint(2, 5))]
        parts = [message(json.dumps(self._document() | {"id": number}).encode()) for number in ids]
        if self._random.random() < 0.3:
            padding = " " * self._random.choice([70_000, 300_000])
            parts[-1] = message((json.dumps(self._document() | {"id": ids[-1]}) + padding).encode())
        beginning = self._random.choice([b"", b"POST /v2/mod", b"\r\n"])
        return Case("pipelined", b"".join(parts) + beginning, len(ids), ids=ids)

    def _vanishing(self) -> Case:
        data = self._binary()
        return Case("vanishing", data[: self._random.randint(1, len(data))], vanish=True)

    def _garbage(self) -> Case:
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
        first = self._random.choice(
            [b"", b"\r\n" * 5, b"\n", b" ", hello, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /\r\n\r\n"]
        )
        return Case("garbage", first + self._random.randbytes(self._random.randint(0, 300)))

    def _repository(self) -> Case:
        policies = [f'{{"version_policy": {{"specific": {{"versions": {versions}}}}}}}' for versions in VERSIONS]
        config = self._random.choice([*JUNK, *policies, "{", "[]", "{}"])
        parameters = self._random.choice([{"config": config}, config, {"file:1/model.onnx": "AA=="}])
        path = "/v2/repository/models/" + self._random.choice(["no-op", "nothing", "..", "%2e%2e", "%00"]) + "/load"
        body = json.dumps({"parameters": parameters}).encode()
        return Case("repository", message(body, line=f"POST {path} HTTP/1.1"), 1)

    def _slow(self) -> Case:
        return Case("slow", message(b"{}"), 1, byte_by_byte=True)

    def _stalled(self) -> Case:
        """A head or a body that never ends."""
        data = self._binary()
        return Case("stalled", data[: self._random.choice([0, 5, 60, len(data) - 5])], 1, stall=True)

    def _endless(self) -> Case:
        if self._random.random() < 0.5:
            return Case("endless", chunked(b""), 1, endless=b"%x\r\n" % MIB + bytes(MIB) + b"\r\n")
        if self._random.random() < 0.5:
            return Case("endless", message(b"", length=str(10**15)), 1, endless=bytes(MIB))
        return Case("endless", f"POST {INFER} HTTP/1.1\r\n".encode(), 1, endless=b"x: " + b"y" * 5000 + b"\r\n")


def message(body: bytes, *headers: str, line: str = f"POST {INFER} HTTP/1.1", length: str | None = None) -> bytes:
    """Return an HTTP request; what it is made of need not make sense."""
    length = str(len(body)) if length is None else length
    head = "\r\n".join([line, "host: test", f"content-length: {length}", *headers, "", ""])
    return head.encode("utf-8", "surrogatepass") + body


def chunked(data: bytes) -> bytes:
    return (
        f"POST {INFER} HTTP/1.1\r\nhost: test\r\n{HEADER_LENGTH}: 0\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        + data
    )


def _mutate(document: dict[str, Any], random: Random) -> None:
    """Change one place of a document, anywhere in it."""
    holder, key = random.choice(list(_places(document)))
    what = random.randrange(4)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif what == 2 and isinstance(holder, dict):
        holder[random.choice(["classification", "binary_data", "binary_data_size", "data", "x"])] = random.choice(JUNK)
    else:
        holder[key] = copy.deepcopy(random.choice(JUNK))


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    keys = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from _places(node[key])
