"""An inference answer, written: from rows of probabilities to the bytes of the Open Inference Protocol V2."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from model_as_service.server.reading import HEADER_LENGTH, Request, Wanted
from model_as_service.server.tensors import DATATYPES, INDEX, LABEL, PROBABILITIES, SCORE, raw
from vision.classifier import Classifier, Probabilities, Score

JSON, BYTES = b"application/json", b"application/octet-stream"
Headers = list[tuple[bytes, bytes]]
_FIELDS = {LABEL: "label", SCORE: "score", INDEX: "index"}


def write(request: Request, rows: Sequence[Probabilities], classifier: Classifier) -> tuple[bytes, Headers]:
    """Return body and headers of an answer with the outputs asked for; `rows` has one row for each image."""
    best = [classifier.top(row) for row in rows]
    outputs, binary = [], []
    for wanted in request.wanted:
        datatype, elements, width = _tensor(wanted, rows, best, classifier)
        output: dict[str, Any] = {"name": wanted.name, "datatype": datatype, "shape": [len(rows), width]}
        if wanted.binary:
            data = raw(elements, datatype)
            output["parameters"] = {"binary_data_size": len(data)}
            binary.append(data)
        else:
            output["data"] = elements
        outputs.append(output)
    document: dict[str, Any] = {
        "model_name": classifier.name,
        "model_version": classifier.version,
        "parameters": {"provider": classifier.provider},
        "outputs": outputs,
    }
    if request.id is not None:
        document["id"] = request.id
    header = orjson.dumps(document)
    if not binary:
        return header, [(b"content-type", JSON)]
    length = str(len(header)).encode()
    return b"".join((header, *binary)), [(b"content-type", BYTES), (HEADER_LENGTH.lower().encode(), length)]


def _tensor(
    wanted: Wanted, rows: Sequence[Probabilities], best: Sequence[Sequence[Score]], classifier: Classifier
) -> tuple[str, list[Any], int]:
    """Return datatype, elements in row-major order and the length of a row."""
    if wanted.classes:
        few = [scores[: wanted.classes] for scores in best] if wanted.name == SCORE else [
            classifier.top(row, wanted.classes) for row in rows
        ]  # fmt: skip
        words = [f"{score.score:f}:{score.index}:{score.label}" for scores in few for score in scores]
        return "BYTES", words, len(few[0])
    if wanted.name == PROBABILITIES:
        return DATATYPES[wanted.name], np.concatenate(rows).tolist(), len(rows[0])
    field = _FIELDS[wanted.name]
    return DATATYPES[wanted.name], [getattr(score, field) for scores in best for score in scores], len(best[0])
