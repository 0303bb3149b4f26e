import numpy as np

from vision import reference
from vision.preprocess import preprocess


def test_is_the_same_recipe(cat, encode):
    expected = reference.preprocess(encode(cat), 224)

    assert (expected.shape, expected.dtype) == ((224, 224, 3), np.uint8)
    assert np.abs(preprocess(encode(cat), 224).astype(int) - expected).max() <= 2


def test_normalises_as_networks_want_it():
    pixels = np.array([[[127, 255, 0]]], np.uint8)

    planes = reference.normalise(pixels)

    assert (planes.shape, planes.dtype, planes.flags["C_CONTIGUOUS"]) == ((3, 1, 1), np.float32, True)
    assert planes.ravel().tolist() == [0.0, 1.0, -127 / 128]
