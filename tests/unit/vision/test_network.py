"""The graph that we build answers as the reference implementation does."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from vision.errors import ModelError
from vision.files import installed_file
from vision.network import build_network
from vision.releases import find_release, versions_of
from vision.weights import read_weights

RECORDED = np.load(Path(__file__).parents[2] / "data" / "vision" / "logits.npz")
PHOTOS = ("chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg")


def weights_of(version: str):
    release = find_release(version)
    return read_weights(installed_file(release.weights.package, release.weights.path), release.weights.sha256)


def network_of(version: str, *, softmax: bool):
    release = find_release(version)
    return build_network(weights_of(version), size=release.input_size, depth=release.weights.depth, softmax=softmax)


def run(model: bytes, pixels: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"image": pixels})[0]


def centres(photos: Path, size: int) -> np.ndarray:
    """The same pixels as in tests/data/vision/record.py."""
    images = [Image.open(photos / name).convert("RGB") for name in PHOTOS]
    boxes = [((image.width - size) // 2, (image.height - size) // 2) for image in images]
    crops = [image.crop((left, top, left + size, top + size)) for image, (left, top) in zip(images, boxes, strict=True)]
    return np.stack([np.asarray(crop) for crop in crops])


@pytest.mark.parametrize("version", versions_of("efficientnet-lite"))
def test_logits_equal_those_of_the_reference(version, photos):
    pixels = centres(photos, find_release(version).input_size)
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == RECORDED[f"pixels-{version}"], "not the recorded pixels"

    logits = run(network_of(version, softmax=False).model, pixels)

    np.testing.assert_allclose(logits, RECORDED[f"logits-{version}"], rtol=0, atol=1e-3)


def test_probabilities_are_the_softmax_of_the_logits(photos):
    pixels = centres(photos, 224)
    exponentials = np.exp(RECORDED["logits-1"].astype(np.float64))

    probabilities = run(network_of("1", softmax=True).model, pixels)

    np.testing.assert_allclose(probabilities, exponentials / exponentials.sum(axis=1, keepdims=True), atol=1e-5)


def test_the_same_weights_give_the_same_bytes():
    assert network_of("1", softmax=True).model == network_of("1", softmax=True).model


def test_the_interface_is_uint8_pixels_in_and_probabilities_out():
    graph = onnx.load_from_string(network_of("2", softmax=True).model).graph

    def described(value):
        tensor = value.type.tensor_type
        return value.name, tensor.elem_type, [dim.dim_param or dim.dim_value for dim in tensor.shape.dim]

    assert [described(value) for value in graph.input] == [("image", onnx.TensorProto.UINT8, ["batch", 240, 240, 3])]
    assert [described(value) for value in graph.output] == [("probabilities", onnx.TensorProto.FLOAT, ["batch", 1000])]


def test_batch_normalisation_is_folded_away():
    operators = {node.op_type for node in onnx.load_from_string(network_of("1", softmax=True).model).graph.node}

    assert "BatchNormalization" not in operators


def test_parameters_are_those_of_convolutions_and_the_last_layer():
    # The reference counts 4,652,008 for lite0: four numbers per normalised channel less its two statistics; folding
    # leaves one bias of the two learned ones.
    normalised = sum(len(array) for name, array in weights_of("1").items() if name.endswith("running_var"))

    assert network_of("1", softmax=True).parameters == 4_652_008 - normalised


def test_weights_of_another_depth_are_refused():
    with pytest.raises(ModelError, match="not the weights of this network"):
        build_network(weights_of("1"), size=240, depth=1.1)
    with pytest.raises(ModelError, match="left over"):
        build_network(weights_of("2"), size=224, depth=1.0)
