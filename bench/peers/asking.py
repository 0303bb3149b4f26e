"""The same question in each peer's words: a photo into the bytes of a request, an answer into its first label.

Pure: nothing is sent here. Whoever sends adds `Host` and `Content-Length`, and finds `JUDGE` by its name.
"""

import base64
import json
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.load.answers import REFUSALS, Verdict
from bench.load.plan import Judge, Post, Target
from bench.machine.limit import VERSION
from bench.peers.peer import Peer, find
from bench.processes import fields
from bench.stacks.contract import HTTP_OK

if TYPE_CHECKING:
    from bench.load.client import Answer  # which brings gevent along

MODEL = "efficientnet-lite"
FIELD = "image"  # the name of the tensor, and of the part of a form
BOUNDARY = "sweetspot-9b1d4c7e5f0a4e0f8d3c"  # no photo holds it
OUTPUTS = [{"name": "label"}, {"name": "score"}]
JUDGE = "bench.peers.asking:judge"


@dataclass(frozen=True)
class Photo:
    """What is asked about: an encoded photo, and the first label that is right."""

    name: str
    image: bytes
    label: str


@dataclass(frozen=True)
class Message:
    """One POST but for the headers that only the sender can know."""

    path: str
    headers: dict[str, str]
    body: bytes


def request_for(peer: Peer, image: bytes, *, model: str = MODEL, deadline_ms: float | None = None) -> Message:
    """Return the request that asks this peer for the labels of an encoded photo.

    V2 names the model in the path: say which one the peer was started with. A deadline is said in the one header that
    whoever understands deadlines may read; the others ignore it.
    """
    headers, body = _WRITE[peer.request.kind](image)
    if deadline_ms is not None:
        headers = {**headers, "X-Request-Timeout-Ms": f"{deadline_ms:.0f}"}
    return Message(fields.fill(peer.request.path, {"model": model}), headers, body)


def targets(peer: Peer, photos: Iterable[Photo], model: str, deadline_ms: float | None = None) -> list[Target]:
    """Return the requests that ask a peer for every photo, ready to be told to a process that sends them."""
    found: list[Target] = []
    for photo in photos:
        message = request_for(peer, photo.image, model=model, deadline_ms=deadline_ms)
        post = Post(headers=message.headers, body=base64.b64encode(message.body).decode("ascii"))
        found.append({"id": photo.name, "path": message.path, "labels": {VERSION: [photo.label]}, "post": post})
    return found


def judge(of: str) -> Judge:
    """Return what judges the answers of the peer of that name: right is whose first label is."""
    (peer,) = find([of])

    def by_first_label(_case: str, answer: "Answer", target: Target) -> Verdict:
        if answer.status in REFUSALS:
            return Verdict("refused")
        if answer.status != HTTP_OK:
            return Verdict("error")
        try:
            return Verdict("ok" if [first_label(peer, answer.body)] == target["labels"][VERSION] else "wrong")
        except ValueError:
            return Verdict("error")

    return by_first_label


def first_label(peer: Peer, body: bytes) -> str:
    """Return the best label of a 200's body, which is JSON also after a binary request; ValueError: there is none."""
    try:
        answer = json.loads(body)
        if peer.request.kind.startswith("v2"):
            (label,) = [tensor["data"] for tensor in answer["outputs"] if tensor["name"] == "label"]
            while isinstance(label, list):  # V2 allows data flat or nested alike
                label = label[0]
        else:
            label = answer["labels"][0]["label"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise ValueError(f"{peer.name} gave no label: {body[:200]!r}") from error
    if not isinstance(label, str):
        raise ValueError(f"{peer.name} gave no label: {body[:200]!r}")  # noqa: TRY004 - what it sent is wrong
    return label


def _v2_binary(image: bytes) -> tuple[dict[str, str], bytes]:
    """Write a JSON header, then the photo as one BYTES element: its length in 32 bits, little-endian, and itself."""
    header = _v2({"parameters": {"binary_data_size": 4 + len(image)}})
    length = {"Inference-Header-Content-Length": str(len(header))}
    body = header + struct.pack("<I", len(image)) + image
    return {"Content-Type": "application/octet-stream", **length}, body


def _v2_json(image: bytes) -> tuple[dict[str, str], bytes]:
    """Write the photo in base64, since JSON knows no bytes, and say so in the way of MLServer."""
    encoded = base64.b64encode(image).decode("ascii")
    return {"Content-Type": "application/json"}, _v2({"parameters": {"content_type": "base64"}, "data": [encoded]})


def _v2(more: Mapping[str, object]) -> bytes:
    tensor = {"name": FIELD, "shape": [1], "datatype": "BYTES", **more}
    return json.dumps({"inputs": [tensor], "outputs": OUTPUTS}).encode()


def _multipart(image: bytes) -> tuple[dict[str, str], bytes]:
    """Write a form with one file, as RFC 7578 says."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{FIELD}"; filename="photo.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    body = head.encode() + image + f"\r\n--{BOUNDARY}--\r\n".encode()
    return {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}, body


_WRITE: dict[str, Callable[[bytes], tuple[dict[str, str], bytes]]] = {
    "v2-binary": _v2_binary, "v2-json": _v2_json, "multipart": _multipart,
    "raw": lambda image: ({"Content-Type": "image/jpeg"}, image),
}  # fmt: skip
