"""The classifier as a LitAPI of LitServe, the way its documentation shows it."""

import argparse
from pathlib import Path

import litserve
from fastapi import HTTPException, Request

from vision.classifier import Classifier, Score
from vision.errors import UnreadableImage
from vision.preprocess import Pixels


class PhotoAPI(litserve.LitAPI):
    """A form with a file `image` in, five labels with scores out, best first."""

    def __init__(self, models: Path, version: str, model: str) -> None:
        super().__init__(max_batch_size=8, batch_timeout=0.001)
        self.models, self.version, self.model = models, version, model

    def setup(self, device: str) -> None:
        """Load the model, in the worker."""
        self.classifier = Classifier.load(self.models, self.version, name=self.model, device=device)

    def decode_request(self, request: Request) -> Pixels:
        """Take the photo out of the form and make it what the model wants.

        `Request` tells LitServe to parse the body by its type; what comes is the form.
        """
        try:
            return self.classifier.preprocess(request["image"].file.read())
        except UnreadableImage as error:
            raise HTTPException(422, str(error)) from error

    def predict(self, x: Pixels) -> list[tuple[Score, ...]]:
        """Run the model on a batch, which LitServe has stacked."""
        return [self.classifier.top(row) for row in self.classifier.infer(x)]

    def encode_response(self, output: tuple[Score, ...]) -> dict[str, object]:
        """Write the answer."""
        return {"labels": [{"label": score.label, "score": score.score} for score in output]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--port", type=int, required=True)
    args = parser.parse_args()
    api = PhotoAPI(args.models, args.version, args.model)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(host="127.0.0.1", port=args.port, log_level="warning", generate_client_file=False, access_log=False)
