"""The classifier as a service of BentoML, the way its documentation shows it."""

import os
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import bentoml
from bentoml.exceptions import BentoMLException
from bentoml.validators import ContentType
from pydantic import BaseModel

from vision.classifier import Classifier
from vision.errors import UnreadableImage


class Label(BaseModel):
    """One class and its probability."""

    label: str
    score: float


class Answer(BaseModel):
    """The five best classes, best first."""

    labels: list[Label]


class UnreadablePhoto(BentoMLException):
    """The status that BentoML answers with is a property of the exception."""

    error_code = HTTPStatus.UNPROCESSABLE_ENTITY


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class PhotoService:
    """A form with a file `image` in, five labels with scores out, best first."""

    def __init__(self) -> None:
        self.classifier = Classifier.load(Path(os.environ["MODELS"]), os.environ["VERSION"], name=os.environ["MODEL"])

    @bentoml.api
    def classify(self, image: Annotated[Path, ContentType("image/*")]) -> Answer:
        """Classify one photo; files arrive as a path, BentoML's form of an upload."""
        try:
            pixels = self.classifier.preprocess(image.read_bytes())
        except UnreadableImage as error:
            raise UnreadablePhoto(str(error)) from error
        scores = self.classifier.top(self.classifier.infer(pixels[None])[0])
        return Answer(labels=[Label(label=score.label, score=score.score) for score in scores])
