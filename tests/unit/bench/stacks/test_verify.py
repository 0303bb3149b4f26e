import pytest

from bench.exits import WrongAnswers
from bench.stacks.verify import Answer, Verified, compare, path_of


def verified(variant: str, *scores: float, labels: tuple[str, ...] = ("tabby", "lynx"), photo: str = "7") -> Verified:
    return Verified(variant, {"version": "1"}, {photo: Answer(labels, scores or (0.5, 0.25))})


def test_the_same_answers_pass_within_the_tolerance():
    compare([verified("a"), verified("b", 0.500009, 0.25), verified("c")])


@pytest.mark.parametrize(
    "other",
    [
        verified("b", 0.50002, 0.25),
        verified("b", labels=("lynx", "tabby")),
        verified("b", 0.5, labels=("tabby",)),
    ],
)
def test_a_difference_names_photo_variants_and_both_answers(other: Verified):
    with pytest.raises(WrongAnswers) as wrong:
        compare([verified("a"), other])
    for part in ("photo 7", "a: tabby 0.500000, lynx 0.250000", f"b: {other.answers['7']}"):
        assert part in str(wrong.value)


def test_different_catalogues_are_not_compared():
    with pytest.raises(WrongAnswers, match="a and b show different photos"):
        compare([verified("a"), verified("b", photo="8")])


def test_an_id_is_quoted_in_paths():
    assert path_of("image", "a/b c") == "/api/photos/a%2Fb%20c/image"
