"""The product's HTTP contract, as the harness needs it: stacks are verified by it, answers under load judged."""

from collections.abc import Mapping

PATHS = {
    "prediction": "/api/photos/{id}/prediction",
    "metadata": "/api/photos/{id}",
    "page": "/photos/{id}",
    "image": "/api/photos/{id}/image",
}
HTTP_OK, HTTP_PENDING, HTTP_REFUSED = 200, 202, 503


def labels_of(prediction: Mapping[str, object]) -> list[str]:
    """Return the labels of a prediction body in order. Raises KeyError, TypeError or ValueError when there are none."""
    labels = prediction["labels"]
    if not isinstance(labels, list) or not labels:
        raise ValueError("labels must be a list that is not empty")
    return [str(entry["label"]) for entry in labels]
