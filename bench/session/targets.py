"""What the load asks for: the photos of a variant that was verified, with the labels that are right."""

from urllib.parse import quote

from bench.load.plan import Target
from bench.stacks.verify import Verified


def targets_of(verified: Verified) -> list[Target]:
    """Return its photos in the order of its catalogue; the labels are those of the model version that gave them."""
    version = verified.model["version"]
    return [
        {"id": photo, "path": quote(photo, safe=""), "labels": {version: answer.labels}}
        for photo, answer in verified.answers.items()
    ]
