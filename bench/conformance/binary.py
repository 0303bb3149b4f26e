"""The extension `binary_tensor_data`: tensors as bytes behind a JSON header, or as bytes alone."""

import json
import math
from collections.abc import Callable, Mapping, Sequence

from bench.conformance.checks import CLIENT_ERRORS, Ask, Send, refused
from bench.conformance.client import Answer, NotOffered, applies, require
from bench.conformance.outputs import HEADER_LENGTH, Output, header, read, shapes
from bench.conformance.subject import Subject

EQUAL = 1e-4  # relative: an output in JSON may have been rounded
ALL = {"binary_data_output": True}


def _output(subject: Subject) -> str:
    """Ask for one output as bytes, with a JSON request."""
    name = next(iter(subject.declared("outputs")))
    return _as_binary(subject.infer(outputs=[{"name": name, "parameters": {"binary_data": True}}]), {name})


def _output_all(subject: Subject) -> str:
    answer = subject.infer(parameters=ALL)
    return _as_binary(answer, {each.name for each in read(answer)})


def _output_mixed(subject: Subject) -> str:
    """Ask for all outputs as bytes but for one."""
    plain, *others = subject.declared("outputs")
    applies(others, "does not apply: the model has one output")
    wanted = [{"name": plain, "parameters": {"binary_data": False}}, *({"name": name} for name in others)]
    return _as_binary(subject.infer(parameters=ALL, outputs=wanted), set(others))


def _values(subject: Subject) -> str:
    before, after = (read(subject.infer()) for _ in range(2))
    applies(_same(before, after), "does not apply: the model answers the same question differently each time")
    found = {each.name: each for each in read(subject.infer_binary(*subject.binary(parameters=ALL)))}
    require(_same(before, [found[each.name] for each in before if each.name in found]), "other values than in JSON")
    return "the same values"


def _same(one: Sequence[Output], other: Sequence[Output]) -> bool:
    if [(each.name, each.shape) for each in one] != [(each.name, each.shape) for each in other]:
        return False
    pairs = [pair for a, b in zip(one, other, strict=True) for pair in zip(a.values, b.values, strict=True)]
    return all(a == b if isinstance(a, bytes) else math.isclose(a, b, rel_tol=EQUAL, abs_tol=EQUAL) for a, b in pairs)


def _raw(subject: Subject) -> str:
    """Send nothing but the tensor; one element of BYTES goes without its length."""
    tensor, *others = subject.inputs()
    declared = subject.declared("inputs")[tensor.name]["shape"]
    text = tensor.datatype == "BYTES"
    if others or (math.prod(tensor.shape) != 1 if text else declared.count(-1) > 1):
        raise NotOffered("does not apply: bytes alone do not tell the shapes of this model's inputs")
    answer = subject.infer_binary({}, tensor.content if text else tensor.as_binary()[1], 0)
    if text and -1 in declared and answer.status in CLIENT_ERRORS:
        raise NotOffered(f"does not apply if the variable dimension is no batch: {refused(answer)}")
    return _as_binary(answer, {each.name for each in read(answer)})


def _as_binary(answer: Answer, wanted: set[str]) -> str:
    """Check that these outputs came as bytes, and no other one."""
    found = read(answer)
    binary = {each.name for each in found if each.binary}
    came, asked = (", ".join(sorted(names)) for names in (binary, wanted))
    require(binary == wanted, f"as bytes: {came or 'none'}; asked for: {asked}")
    require(HEADER_LENGTH.lower() in answer.headers, f"the answer has no {HEADER_LENGTH}")
    header(answer)
    return ", ".join(f"{each.name} {'bytes' if each.binary else 'JSON'}" for each in found)


def _with_length(subject: Subject, wrong: Callable[[int, int], object]) -> Answer:
    """Ask with a wrong length of the header, which follows from the lengths of header and data."""
    inputs, data = subject.binary()
    return subject.infer_binary(inputs, data, wrong(len(json.dumps(inputs)), len(data)))


def _with_size(subject: Subject, more: bytes) -> Answer:
    """Ask with one byte more than the last tensor has promised, and perhaps sent."""
    inputs, data = subject.binary()
    inputs["inputs"][-1]["parameters"]["binary_data_size"] += 1
    return subject.infer_binary(inputs, data + more)


def _element_too_long(subject: Subject) -> Answer:
    """Let an element of BYTES say that it is longer than all the data."""
    applies(subject.inputs()[0].datatype == "BYTES", "does not apply: the first input has no datatype BYTES")
    inputs, data = subject.binary()
    return subject.infer_binary(inputs, b"\xff\xff\xff\x7f" + data[4:])


ASKS: Mapping[str, Ask] = {
    "binary-input": lambda it: shapes(it.infer_binary(*it.binary())),
    "binary-output": _output,
    "binary-output-all": _output_all,
    "binary-output-mixed": _output_mixed,
    "binary-values": _values,
    "binary-raw": _raw,
}
WRONG: Mapping[str, Send] = {
    "binary-header-cut": lambda it: _with_length(it, lambda header, _: header - 1),
    "binary-header-too-large": lambda it: _with_length(it, lambda header, data: header + data + 1),
    "binary-header-no-number": lambda it: _with_length(it, lambda *_: "long"),
    "binary-size-too-large": lambda it: _with_size(it, b""),
    "binary-size-unlike-shape": lambda it: _with_size(it, b"\0"),
    "binary-element-too-long": _element_too_long,
}
