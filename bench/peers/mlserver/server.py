"""The classifier as a custom runtime of MLServer, the way its documentation shows it."""

from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import Base64Codec, NumpyCodec
from mlserver.errors import InferenceError, MLServerError
from mlserver.types import InferenceRequest, InferenceResponse, MetadataTensor, Parameters, ResponseOutput

from vision.classifier import Classifier
from vision.errors import UnreadableImage


class PhotoRuntime(MLModel):
    """Input `image`: encoded photos; outputs `label` and `score`, five for each photo, best first."""

    async def load(self) -> bool:
        """Load the version that the settings name."""
        parameters = self.settings.parameters
        self.classifier = Classifier.load(Path(parameters.uri), parameters.version, name=self.name)
        self.inputs = [MetadataTensor(name="image", datatype="BYTES", shape=[-1])]
        self.outputs = [
            MetadataTensor(name="label", datatype="BYTES", shape=[-1, 5]),
            MetadataTensor(name="score", datatype="FP32", shape=[-1, 5]),
        ]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Classify the photos of one request together."""
        try:
            pixels = np.stack([self.classifier.preprocess(photo) for photo in self._photos(payload)])
        except UnreadableImage as error:
            raise MLServerError(str(error), 422) from error
        best = [self.classifier.top(row) for row in self.classifier.infer(pixels)]
        labels = [score.label for scores in best for score in scores]
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            outputs=[
                ResponseOutput(
                    name="label", datatype="BYTES", shape=[len(best), 5], data=labels,
                    parameters=Parameters(content_type="str"),
                ),
                NumpyCodec.encode_output("score", np.array([[s.score for s in scores] for scores in best], np.float32)),
            ],
        )  # fmt: skip

    def _photos(self, payload: InferenceRequest) -> list[bytes]:
        found = [tensor for tensor in payload.inputs if tensor.name == "image"]
        if len(payload.inputs) != 1 or not found:
            raise InferenceError("there is one input, `image`")
        try:
            photos = self.decode(found[0], default_codec=Base64Codec)
        except (AttributeError, TypeError, ValueError) as error:  # its codec expects strings and does not check
            raise InferenceError(f"`image` holds photos as base64: {error}") from error
        if len(photos) == 0 or not all(isinstance(photo, bytes) for photo in photos):
            raise InferenceError("`image` holds photos as base64")
        return list(photos)
