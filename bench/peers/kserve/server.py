"""The classifier as a custom model of the KServe SDK, the way its documentation shows it."""

import argparse
import base64
from pathlib import Path
from typing import Any

import numpy as np
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer, model_server
from kserve.errors import InvalidInput
from kserve.utils.utils import generate_uuid

from vision.classifier import Classifier
from vision.errors import UnreadableImage


class PhotoModel(Model):
    """Input `image`: encoded photos; outputs `label` and `score`, five for each photo, best first."""

    def __init__(self, name: str, models: Path, version: str) -> None:
        super().__init__(name)
        self.models, self.model_version = models, version
        self.load()

    def load(self) -> bool:
        """Load the version that the command line names."""
        self.classifier = Classifier.load(self.models, self.model_version, name=self.name)
        self.ready = True
        return True

    def get_input_types(self) -> list[dict[str, Any]]:
        """Say what goes in."""
        return [{"name": "image", "datatype": "BYTES", "shape": [-1]}]

    def get_output_types(self) -> list[dict[str, Any]]:
        """Say what comes out."""
        return [
            {"name": "label", "datatype": "BYTES", "shape": [-1, 5]},
            {"name": "score", "datatype": "FP32", "shape": [-1, 5]},
        ]

    def predict(self, payload: InferRequest, headers: dict[str, str] | None = None) -> InferResponse:
        """Classify the photos of one request together."""
        del headers
        try:
            pixels = np.stack([self.classifier.preprocess(photo) for photo in photos(payload)])
        except UnreadableImage as error:
            raise InvalidInput(str(error)) from error
        best = [self.classifier.top(row) for row in self.classifier.infer(pixels)]
        shape = [len(best), 5]
        label = InferOutput("label", shape, "BYTES", [score.label for scores in best for score in scores])
        score = InferOutput("score", shape, "FP32", [score.score for scores in best for score in scores])
        return InferResponse(payload.id or generate_uuid(), self.name, [label, score], model_version=self.model_version)


def photos(payload: InferRequest) -> list[bytes]:
    """Return the encoded photos, which come as base64, whether in JSON or as a binary tensor."""
    if not isinstance(payload, InferRequest) or [tensor.name for tensor in payload.inputs] != ["image"]:
        raise InvalidInput("there is one input, `image`")
    try:
        found = payload.inputs[0].as_numpy().ravel().tolist()
        if not found:
            raise InvalidInput("`image` holds no photo")
        return [base64.b64decode(each, validate=True) for each in found]
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"`image` holds photos as base64: {error}") from error


class LocalServer(ModelServer):
    """KServe listens on every address of the machine, and no option changes that; this one only on its own."""

    async def _serve(self) -> None:
        self._rest_server.config.host = "127.0.0.1"
        await super()._serve()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[model_server.parser])
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--version", required=True)
    args = parser.parse_args()
    LocalServer().start([PhotoModel(args.model_name, args.models, args.version)])
