"""The classifier behind FastAPI, as its documentation shows it: a file in, Pydantic models out, one route."""

import os
from pathlib import Path

from fastapi import FastAPI, HTTPException, UploadFile
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


app = FastAPI()
classifier = Classifier.load(Path(os.environ["MODELS"]), os.environ["VERSION"], name=os.environ["MODEL"])


@app.get("/health")
def health() -> dict[str, str]:
    """Answer once the model is loaded, since it is loaded before the port opens."""
    return {"status": "ok"}


@app.post("/classify")
async def classify(image: UploadFile) -> Answer:
    """Classify one photo."""
    try:
        pixels = classifier.preprocess(await image.read())
    except UnreadableImage as error:
        raise HTTPException(422, str(error)) from error
    scores = classifier.top(classifier.infer(pixels[None])[0])
    return Answer(labels=[Label(label=score.label, score=score.score) for score in scores])
