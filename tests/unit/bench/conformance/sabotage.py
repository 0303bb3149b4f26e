"""Single sabotages of the fake server, each with the checks that must notice it, and no other one."""

import json
from collections.abc import Callable
from dataclasses import replace

from tests.unit.bench.conformance.fake import INFER, MODEL, Asked, Reply, Spoil, instead

LIVE = "/v2/health/live"
METADATA = f"/v2/models/{MODEL}"


def plain(asked: Asked) -> bool:
    """Whether this asks for the whole answer with one right row and nothing special."""
    row = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [0.0, 0.0]}
    return asked.path == f"/v2/models/{MODEL}/infer" and asked.document == {"inputs": [row]}


def at(path: str, change: Callable[[Reply], Reply]) -> Spoil:
    return lambda asked, reply: change(reply) if asked.path == path else reply


def when(condition: Callable[[Asked], object], change: Callable[[Reply], Reply]) -> Spoil:
    return lambda asked, reply: change(reply) if reply.status == 200 and condition(asked) else reply


def without_output(reply: Reply) -> Reply:
    return instead(reply, outputs=reply.document["outputs"][:1])


def first_output(**fields: object) -> Callable[[Reply], Reply]:
    def change(reply: Reply) -> Reply:
        first, *others = reply.document["outputs"]
        entry = {name: value for name, value in {**first, **fields}.items() if value is not None}
        return instead(reply, outputs=[entry, *others])

    return change


def broken(reply: Reply) -> Reply:
    return replace(reply, status=500, document={"error": "a bug"}, data=b"", headers={})


def has(name: str) -> Callable[[Asked], object]:
    return lambda asked: name in asked.document


def parameter(name: str) -> Callable[[Asked], object]:
    return lambda asked: INFER.fullmatch(asked.path) and f'"{name}"' in json.dumps(asked.document)


def statistics(**fields: object) -> Spoil:
    def change(reply: Reply) -> Reply:
        return instead(
            reply, model_stats=[instead(Reply(document=reply.document["model_stats"][0]), **fields).document]
        )

    return at(f"/v2/models/{MODEL}/stats", change)


SABOTAGES: dict[str, tuple[Spoil, set[str]]] = {
    "live": (at(LIVE, lambda reply: replace(reply, status=503)), {"live", "well-afterwards"}),
    "ready": (at("/v2/health/ready", lambda reply: replace(reply, status=400)), {"ready", "well-afterwards"}),
    "model-ready": (
        at(f"{METADATA}/ready", lambda reply: replace(reply, status=503)),
        {"model-ready", "well-afterwards"},
    ),
    "model-ready-version": (at(f"{METADATA}/versions/1/ready", broken), {"model-ready-version"}),
    "model-ready-unknown": (
        at("/v2/models/no-such-thing/ready", lambda _: Reply(200, {"ready": True})),
        {"model-ready-unknown"},
    ),
    "health-body": (at(LIVE, lambda _: Reply(200)), {"health-body"}),
    "model-ready-body": (at(f"{METADATA}/ready", lambda _: Reply(200, {})), {"model-ready-body"}),
    "server-metadata": (at("/v2", lambda reply: instead(reply, version=None)), {"server-metadata"}),
    "server-metadata-slash": (at("/v2/", broken), {"server-metadata-slash"}),
    "model-metadata": (at(METADATA, lambda reply: instead(reply, platform=None)), {"model-metadata"}),
    "model-versions": (at(METADATA, lambda reply: instead(reply, versions="1")), {"model-versions"}),
    "model-metadata-version": (at(f"{METADATA}/versions/1", broken), {"model-metadata-version"}),
    "infer-json": (when(plain, lambda reply: instead(reply, model_name="m")), {"infer-json"}),
    "infer-content-type": (
        when(plain, lambda reply: replace(reply, headers={"Content-Type": "text/plain"})),
        {"infer-content-type"},
    ),
    "a count unlike the shape": (when(plain, first_output(data=[0.0])), {"infer-outputs", "binary-values"}),
    "strings for numbers": (when(plain, first_output(data=["0"] * 4)), {"infer-outputs", "binary-values"}),
    "no datatype": (
        when(plain, first_output(datatype=None)),
        {"infer-outputs", "infer-as-declared", "binary-values"},
    ),
    "another datatype": (when(plain, first_output(datatype="FP64")), {"infer-as-declared"}),
    "another shape": (when(plain, first_output(shape=[4])), {"infer-as-declared", "binary-values"}),
    "infer-all-outputs": (when(plain, without_output), {"infer-all-outputs"}),
    "infer-one-output": (
        when(
            lambda asked: asked.document.get("outputs") == [{"name": "label"}],
            lambda reply: instead(reply, outputs=[*reply.document["outputs"], {"name": "scores"}]),
        ),
        {"infer-one-output"},
    ),
    "infer-id": (when(has("id"), lambda reply: instead(reply, id=None)), {"infer-id"}),
    "infer-nested": (when(lambda asked: '"data": [[' in asked.body.decode("latin-1"), broken), {"infer-nested"}),
    "infer-two-rows": (when(lambda asked: b'"shape": [2, 2]' in asked.body, broken), {"infer-two-rows"}),
    "infer-version": (at(f"{METADATA}/versions/1/infer", broken), {"infer-version"}),
    "infer-model-version": (
        when(plain, lambda reply: instead(reply, model_version=1)),
        {"infer-model-version"},
    ),
    "infer-unknown-parameters": (
        when(parameter("a_parameter_that_nobody_knows"), broken),
        {"infer-unknown-parameters"},
    ),
    "binary-output": (
        when(
            lambda asked: parameter("binary_data")(asked) and not parameter("binary_data_output")(asked),
            lambda reply: first_output(parameters=None, data=[0.0] * 4)(replace(reply, data=b"")),
        ),
        {"binary-output"},
    ),
    "binary-raw": (lambda asked, reply: broken(reply) if asked.headers.get("inference-header-content-length") == "0"
                   else reply, {"binary-raw"}),
    "other values as bytes": (
        when(lambda asked: "inference-header-content-length" in asked.headers and has("parameters")(asked),
             lambda reply: replace(reply, data=b"\0\0\0\x40" + reply.data[4:])),
        {"binary-values"},
    ),
    "bytes left over": (
        when(lambda asked: asked.document.keys() == {"inputs", "parameters"} and parameter("binary_data_output")(asked)
             and "inference-header-content-length" not in asked.headers,
             lambda reply: replace(reply, data=reply.data + b"\0")),
        {"binary-output-all"},
    ),
    "binary-output-mixed": (
        when(lambda asked: has("outputs")(asked) and parameter("binary_data_output")(asked), broken),
        {"binary-output-mixed"},
    ),
    "binary-input": (
        when(lambda asked: "inference-header-content-length" in asked.headers and asked.document.keys() == {"inputs"},
             broken),
        {"binary-input"},
    ),
    "repository-index": (
        at("/v2/repository/index", lambda reply: replace(reply, document=[instead(
            Reply(document=reply.document[0]), reason=None).document])),
        {"repository-index", "repository-index-ready"},
    ),
    "no route to load": (
        at("/v2/repository/models/no-such-thing/load", lambda _: Reply(404, {"error": "refused: no route"})),
        {"repository-load-unknown"},
    ),
    "classification-form": (
        when(parameter("classification"), first_output(data=["apple", "3:1", "2:2"])),
        {"classification-form", "classification-order"},
    ),
    "classification-order": (
        when(parameter("classification"), first_output(data=["1:1", "2:2", "3:3"])),
        {"classification-order"},
    ),
    "statistics-form": (statistics(batch_stats=None), {"statistics-form"}),
    "statistics-count": (statistics(inference_count=7), {"statistics-count"}),
    "statistics-all": (at("/v2/models/stats", broken), {"statistics-all"}),
    "schedule-priority": (when(parameter("priority"), broken), {"schedule-priority"}),
    "schedule-timeout": (when(parameter("timeout"), broken), {"schedule-timeout"}),
}  # fmt: skip
