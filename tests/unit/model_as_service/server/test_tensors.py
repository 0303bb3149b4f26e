"""Elements as bytes: what is written can be split again, and nothing is split that does not fit."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_as_service.server.tensors import raw, split
from tests.unit.model_as_service.server.messages import elements


@given(st.lists(st.text(max_size=10), max_size=8))
def test_bytes_elements_come_back(texts: list[str]) -> None:
    assert split(memoryview(raw(texts, "BYTES")), len(texts)) == [text.encode() for text in texts]


def test_numbers_are_little_endian() -> None:
    assert raw([1, -2], "INT32") == struct.pack("<2i", 1, -2)
    assert raw(np.array([[0.5, 0.25]], ">f4"), "FP32") == struct.pack("<2f", 0.5, 0.25)


def test_more_elements_than_wanted_are_not_collected() -> None:
    assert len(split(memoryview(elements([b""] * 10_000)), 2)) == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"\1\0\0", "within the length"), (b"\2\0\0\0a", "2 bytes"), (b"\xff\xff\xff\xff", "4294967295")],
)
def test_what_does_not_fit_is_said(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        split(memoryview(data), 4)
