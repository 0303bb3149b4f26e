"""The extension `binary_tensor_data`: tensors as bytes behind a JSON header, or as bytes alone."""

import json
import math
from collections.abc import Callable, Sequence

from bench.conformance.checks import Check
from bench.conformance.client import Answer
from bench.conformance.errors import CLIENT_ERRORS, refused
from bench.conformance.findings import Missed, NotOffered
from bench.conformance.outputs import HEADER_LENGTH, Output, header, read
from bench.conformance.subject import Subject

EQUAL = 1e-4  # relative: an output in JSON may have been rounded


def binary_input(subject: Subject) -> str:
    """Send the inputs as bytes."""
    found = read(subject.infer_binary(*subject.binary()))
    return ", ".join(f"{each.name} {list(each.shape)}" for each in found)


def binary_output(subject: Subject) -> str:
    """Ask for one output as bytes, with a JSON request."""
    name = next(iter(subject.declared("outputs")))
    wanted = [{"name": name, "parameters": {"binary_data": True}}]
    return _as_binary(subject.infer(subject.document(outputs=wanted)), {name})


def binary_output_all(subject: Subject) -> str:
    """Ask for all outputs as bytes."""
    answer = subject.infer(subject.document(parameters={"binary_data_output": True}))
    return _as_binary(answer, {each.name for each in read(answer)})


def binary_output_mixed(subject: Subject) -> str:
    """Ask for all outputs as bytes but for one."""
    plain, *others = subject.declared("outputs")
    if not others:
        raise NotOffered("does not apply: the model has one output")
    wanted = [{"name": plain, "parameters": {"binary_data": False}}, *({"name": name} for name in others)]
    answer = subject.infer(subject.document(parameters={"binary_data_output": True}, outputs=wanted))
    return _as_binary(answer, set(others))


def binary_values(subject: Subject) -> str:
    """Ask the same in JSON and in bytes."""
    before, after = (read(subject.infer(subject.document())) for _ in range(2))
    if not _same(before, after):
        raise NotOffered("does not apply: the model answers the same question differently each time")
    inputs, data = subject.binary(parameters={"binary_data_output": True})
    found = {each.name: each for each in read(subject.infer_binary(inputs, data))}
    if not _same(before, [found[each.name] for each in before if each.name in found]):
        raise Missed("other values than in JSON")
    return "the same values"


def binary_raw(subject: Subject) -> str:
    """Send nothing but the tensor; one element of BYTES goes without its length."""
    tensor, *others = subject.inputs()
    declared = subject.declared("inputs")[tensor.name]["shape"]
    text = tensor.datatype == "BYTES"
    if others or (math.prod(tensor.shape) != 1 if text else declared.count(-1) > 1):
        raise NotOffered("does not apply: bytes alone do not tell the shapes of this model's inputs")
    answer = subject.infer_binary({}, tensor.content if text else tensor.as_binary()[1], "0")
    if text and -1 in declared and answer.status in CLIENT_ERRORS:
        raise NotOffered(f"does not apply if the variable dimension is no batch: {refused(answer)}")
    return _as_binary(answer, {each.name for each in read(answer)})


def element_too_long(subject: Subject) -> str:
    """Let an element of BYTES say that it is longer than all the data."""
    tensors = subject.inputs()
    if tensors[0].datatype != "BYTES":
        raise NotOffered("does not apply: the first input has no datatype BYTES")
    inputs, data = subject.binary()
    return refused(subject.infer_binary(inputs, b"\xff\xff\xff\x7f" + data[4:]))


def _as_binary(answer: Answer, wanted: set[str]) -> str:
    """Check that these outputs came as bytes, and no other one."""
    found = read(answer)
    binary = {each.name for each in found if each.binary}
    if binary != wanted:
        raise Missed(f"as bytes: {', '.join(sorted(binary)) or 'none'}; asked for: {', '.join(sorted(wanted))}")
    if HEADER_LENGTH.lower() not in answer.headers:
        raise Missed(f"the answer has no {HEADER_LENGTH}")
    header(answer)
    return ", ".join(f"{each.name} {'bytes' if each.binary else 'JSON'}" for each in found)


def _same(one: Sequence[Output], other: Sequence[Output]) -> bool:
    if [(each.name, each.shape) for each in one] != [(each.name, each.shape) for each in other]:
        return False
    pairs = [pair for a, b in zip(one, other, strict=True) for pair in zip(a.values, b.values, strict=True)]
    return all(a == b if isinstance(a, bytes) else math.isclose(a, b, rel_tol=EQUAL, abs_tol=EQUAL) for a, b in pairs)


def _with_length(wrong: Callable[[int, int], str]) -> Callable[[Subject], str]:
    """Return how to ask with a wrong length of the header, which follows from the lengths of header and data."""

    def ask(subject: Subject) -> str:
        inputs, data = subject.binary()
        return refused(subject.infer_binary(inputs, data, wrong(len(json.dumps(inputs)), len(data))))

    return ask


def _with_size(more: bytes) -> Callable[[Subject], str]:
    """Return how to ask with one byte more than the last tensor has promised, and perhaps sent."""

    def ask(subject: Subject) -> str:
        inputs, data = subject.binary()
        inputs["inputs"][-1]["parameters"]["binary_data_size"] += 1
        return refused(subject.infer_binary(inputs, data + more))

    return ask


def _check(
    name: str, asked: str, ask: Callable[[Subject], str], place: str = "Binary Tensor Request", *, refusal: bool = False
) -> Check:
    place = f"Binary tensor data: {place}"
    return Check(f"binary-{name}", "binary_tensor_data", "extension", asked, place, ask, refusal=refusal)


def _refusal(name: str, asked: str, ask: Callable[[Subject], str]) -> Check:
    return _check(name, f"{asked}: refused", ask, refusal=True)


CHECKS: Sequence[Check] = (
    _check("input", "inputs are taken as bytes", binary_input),
    _check("output", "binary_data returns that output as bytes", binary_output),
    _check("output-all", "binary_data_output returns all outputs as bytes", binary_output_all),
    _check("output-mixed", "binary_data overrides binary_data_output", binary_output_mixed),
    _check("values", "bytes and JSON hold the same values", binary_values),
    _check("raw", "a header length of 0 means that the body is the tensor", binary_raw, "Raw Binary Request"),
    _refusal("header-cut", "a header length that cuts the JSON", _with_length(lambda header, _: str(header - 1))),
    _refusal("header-too-large", "a header length beyond the body",
             _with_length(lambda header, data: str(header + data + 1))),
    _refusal("header-no-number", "a header length that is no number", _with_length(lambda *_: "long")),
    _refusal("size-too-large", "more bytes promised than sent", _with_size(b"")),
    _refusal("size-unlike-shape", "other bytes than the shape needs", _with_size(b"\0")),
    _refusal("element-too-long", "an element longer than the data", element_too_long),
)  # fmt: skip
