import pytest

from vision import labels
from vision.errors import ModelError


def test_a_thousand_different_plain_words():
    names = labels.read_labels()

    assert len(names) == len(set(names)) == 1000
    assert all(name == name.strip() and "\n" not in name for name in names)


def test_the_order_is_that_of_imagenet():
    names = labels.read_labels()

    assert (names[0], names[281], names[967], names[999]) == ("tench", "tabby cat", "espresso", "toilet paper")


def test_every_exception_is_still_needed(monkeypatch):
    ours = labels.read_labels()
    monkeypatch.setattr(labels, "PLAIN_WORDS", {744: "projectile", 836: "sunglass"})
    theirs = labels.read_labels()

    assert {index for index in range(1000) if ours[index] != theirs[index]} == {282, 638}


def test_a_shared_name_is_an_error(monkeypatch):
    monkeypatch.setattr(labels, "PLAIN_WORDS", {})

    with pytest.raises(ModelError, match="missile, sunglasses"):
        labels.read_labels()
