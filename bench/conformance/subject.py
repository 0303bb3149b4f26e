"""The server and model under test, and how to ask them: what every check is given."""

import json
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bench.conformance.client import HTTP_OK, Answer, Client, applies, require, under
from bench.conformance.inputs import DATATYPES, Tensor, is_shape, shape_of
from bench.conformance.outputs import HEADER_LENGTH

LARGEST_REQUEST = 64 * 2**20  # bytes; as lists of Python it takes several times as much
NOBODY = "no-such-thing"  # a name that no server has


@dataclass(frozen=True)
class Subject:
    """One model of one server; both metadata as they came, empty where none came."""

    client: Client
    model: str
    version: str | None
    content: bytes
    server: Mapping[str, Any]
    metadata: dict[str, Any]

    def advertises(self, extension: str) -> bool:
        """Whether the server's metadata names the extension."""
        return extension in under(self.server, "extensions", list)

    def path(self, tail: str = "") -> str:
        """Return a path below the model, of the version that was asked for, if one was."""
        return path_of(self.model, self.version, tail)

    def versioned(self, tail: str = "") -> str:
        """Return a path below a version that the model says it has. Raises NotOffered."""
        versions = [self.version] if self.version else under(self.metadata, "versions", list)
        applies(versions, "the model's metadata names no versions")
        return path_of(self.model, str(versions[-1]), tail)

    def ok(self, path: str) -> str:
        """GET a path, which must answer 200. Raises Missed."""
        answer = self.client.get(path)
        require(answer.status == HTTP_OK, f"GET {path}: {answer}")
        return str(HTTP_OK)

    def inputs(self, rows: int = 1) -> list[Tensor]:
        """Return inputs that fit the model. Raises Missed, also where nobody would send so much to try a server."""
        found = [
            Tensor(name, each["datatype"], shape_of(each["shape"], rows), self.content)
            for name, each in self.declared("inputs").items()
        ]
        heaviest = max(found, key=lambda tensor: tensor.weight)
        require(
            sum(tensor.weight for tensor in found) <= LARGEST_REQUEST,
            f"its inputs are too large to ask: more than {LARGEST_REQUEST // 2**20} MB in a request, most of it "
            f"{heaviest.name[:40]} {reprlib.repr(list(heaviest.shape))} {heaviest.datatype}",
        )
        return found

    def declared(self, side: str) -> dict[str, dict[str, Any]]:
        """Return the model's `inputs` or `outputs` by name. Raises Missed."""
        told = under(self.metadata, side, list)
        proper = told and all(_is_tensor(each) for each in told)
        require(proper, f"the model's metadata has no proper {side}, so nothing can be asked")
        return {each["name"]: each for each in told}

    def infer(self, path: str | None = None, *, rows: int = 1, nested: bool = False, **more: object) -> Answer:
        """POST a right JSON request, with these fields added or replaced."""
        inputs = [tensor.as_json(nested=nested) for tensor in self.inputs(rows)]
        return self.post(json.dumps({"inputs": inputs, **more}).encode(), path=path)

    def post(self, body: bytes, headers: Mapping[str, str] | None = None, *, path: str | None = None) -> Answer:
        """POST whatever it is to where inference is asked."""
        return self.client.post(path or self.path("/infer"), body, headers)

    def infer_binary(self, header: Mapping[str, Any], data: bytes, length: object = None) -> Answer:
        """POST a JSON header with binary data behind it; `length` replaces the true length of the header."""
        text = json.dumps(header).encode() if header else b""
        told = str(len(text) if length is None else length)
        headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: told}
        return self.post(text + data, headers)

    def binary(self, **more: object) -> tuple[dict[str, Any], bytes]:
        """Return the header and the data of a right request with binary inputs."""
        entries, data = zip(*(tensor.as_binary() for tensor in self.inputs()), strict=True)
        return {"inputs": list(entries), **more}, b"".join(data)


def path_of(model: str, version: str | None, tail: str) -> str:
    """Return a path of the protocol."""
    middle = "" if version is None else f"/versions/{quote(version, safe='')}"
    return f"/v2/models/{quote(model, safe='')}{middle}{tail}"


def _is_tensor(value: object) -> bool:
    """Whether this is a $metadata_tensor of a known datatype."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return False
    return value.get("datatype") in DATATYPES and is_shape(value.get("shape"), least=-1)
