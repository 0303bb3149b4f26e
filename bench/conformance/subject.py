"""The server and model under test, and how to ask them: what every check is given."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bench.conformance.client import Answer, Client
from bench.conformance.findings import Missed, NotOffered
from bench.conformance.inputs import DATATYPES, Tensor, tensors
from bench.conformance.outputs import HEADER_LENGTH

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
        told = self.server.get("extensions")
        return isinstance(told, list) and extension in told

    def path(self, tail: str = "") -> str:
        """Return a path below the model, of the version that was asked for, if one was."""
        return path_of(self.model, self.version, tail)

    def versioned(self, tail: str = "") -> str:
        """Return a path below a version that the model says it has. Raises NotOffered."""
        told = self.metadata.get("versions")
        versions = [self.version] if self.version else told if isinstance(told, list) else []
        if not versions:
            raise NotOffered("the model's metadata names no versions")
        return path_of(self.model, str(versions[-1]), tail)

    def inputs(self, rows: int = 1) -> list[Tensor]:
        """Return inputs that fit the model. Raises Missed."""
        return tensors(self.declared("inputs").values(), self.content, rows)

    def declared(self, side: str) -> dict[str, dict[str, Any]]:
        """Return the model's `inputs` or `outputs` by name. Raises Missed."""
        told = self.metadata.get(side)
        if not isinstance(told, list) or not told or not all(_is_tensor(each) for each in told):
            raise Missed(f"the model's metadata has no proper {side}, so nothing can be asked")
        return {each["name"]: each for each in told}

    def document(self, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Return a right JSON request, with these fields added or replaced."""
        return {"inputs": [tensor.as_json() for tensor in self.inputs()], **more}

    def infer(self, document: object, path: str | None = None) -> Answer:
        """POST a JSON request."""
        return self.client.post(path or self.path("/infer"), json.dumps(document).encode())

    def infer_binary(self, header: Mapping[str, Any], data: bytes, length: str | None = None) -> Answer:
        """POST a JSON header with binary data behind it; `length` replaces the true length of the header."""
        text = json.dumps(header).encode() if header else b""
        headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: length or str(len(text))}
        return self.client.post(self.path("/infer"), text + data, headers)

    def binary(self, **more: Any) -> tuple[dict[str, Any], bytes]:  # noqa: ANN401 - JSON
        """Return the header and the data of a right request with binary inputs."""
        entries, data = zip(*(tensor.as_binary() for tensor in self.inputs()), strict=True)
        return {"inputs": list(entries), **more}, b"".join(data)


def path_of(model: str, version: str | None, tail: str) -> str:
    """Return a path of the protocol."""
    middle = "" if version is None else f"/versions/{quote(version, safe='')}"
    return f"/v2/models/{quote(model, safe='')}{middle}{tail}"


def _is_tensor(value: object) -> bool:
    """Whether this is a $metadata_tensor of a known datatype."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or value.get("datatype") not in DATATYPES:
        return False
    shape = value.get("shape")
    return isinstance(shape, list) and all(type(size) is int and size >= -1 for size in shape)
