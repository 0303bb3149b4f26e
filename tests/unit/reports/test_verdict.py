import math

import pytest

from reports import runfolder, standing, verdict, view


@pytest.fixture
def say(build):
    """Build a run and return its verdict sentence."""

    def sentence(**parts):
        folder = runfolder.read(build(**parts))
        return verdict.headline(view.build(folder), standing.judge(folder)).replace("\N{NO-BREAK SPACE}", " ")

    return sentence


def levels(row, **by_variant):
    return [row(name, "prediction", "response_p95", *numbers) for name, numbers in by_variant.items()]


def requests(blocks):
    """Twenty requests per variant and block; `blocks` holds the response time in ms of each."""
    return [
        {"block": block, "variant": name, "case": "prediction", "intended_ns": index, "done_ns": index + int(ms * 1e6),
         "outcome": "ok"}
        for name, times in blocks.items() for block, ms in enumerate(times) for index in range(20)
    ]  # fmt: skip


def test_a_clear_order_is_told_with_numbers_and_condition(say, row):
    rows = levels(row, a=(5, 4.5, 5.5), b=(9, 8, 10))
    words = say(variants=("a", "b"), rows=rows, requests=requests({"a": [5, 5], "b": [9, 9]}))
    assert words == (
        "On this machine, at 20 requests per second and over 2 blocks, a had the lowest p95 of a prediction, "
        "5.00 ms [4.50, 5.50], ahead of b at 9.00 ms [8.00, 10.0]."
    )


def test_overlapping_intervals_are_a_tie(say, row):
    rows = levels(row, a=(5, 4.5, 8.5), b=(9, 8, 10))
    words = say(variants=("a", "b"), rows=rows, requests=requests({"a": [5, 5], "b": [9, 9]}))
    assert "does not tell a (5.00 ms [4.50, 8.50]) and b (9.00 ms [8.00, 10.0]) apart" in words
    assert "lowest" not in words


def test_an_order_that_changes_between_blocks_is_a_tie(say, row):
    rows = levels(row, a=(5, 4.5, 5.5), b=(9, 8, 10))
    words = say(variants=("a", "b"), rows=rows, requests=requests({"a": [5, 9], "b": [9, 5]}))
    assert "does not tell" in words


def test_numbers_without_interval_are_a_tie(say, row):
    rows = levels(row, a=(5,), b=(9,))
    words = say(variants=("a", "b"), rows=rows, requests=requests({"a": [5, 5], "b": [9, 9]}))
    assert "does not tell" in words


def test_who_is_slower_than_a_tie_is_named(say, row):
    rows = levels(row, a=(5, 4, 6), b=(5.5, 5, 6), c=(30, 29, 31))
    times = requests({"a": [5, 5], "b": [5.5, 5.5], "c": [30, 30]})
    words = say(variants=("a", "b", "c"), rows=rows, requests=times)
    assert "apart; slower than a: c at 30.0 ms [29.0, 31.0]." in words


def test_one_block_is_no_claim(say):
    assert say(blocks=1).startswith("Seen in one block, which is no claim yet")


def test_failures_are_said(say, row):
    rows = levels(row, a=(5, 4, 6), b=(math.inf, 8, math.inf))
    words = say(variants=("a", "b"), rows=rows, requests=requests({"a": [5, 5], "b": [9, 9]}))
    assert "b did not carry the load: 5 % or more of the predictions got no good answer." in words


def test_the_median_stands_in_where_p95_is_withheld(say, row):
    rows = [*levels(row, a=(5, 4, 6)), row("b", "prediction", "response_p95", "", n=30, verdict="withheld")]
    rows += [row(name, "prediction", "response_p50", *numbers) for name, *numbers in (("a", 3, 2, 4), ("b", 8, 7, 9))]
    words = say(variants=("a", "b"), rows=rows, requests=requests({"a": [5, 5], "b": [9, 9]}))
    assert "a had the lowest p50" in words


def test_a_variant_without_numbers_is_left_out_aloud(say, row):
    words = say(
        variants=("a", "b"), rows=[row("a", "prediction", "response_p50", 3, 2, 4)], requests=requests({"a": [3, 3]})
    )
    assert "with nothing to compare it to" in words
    assert "Nothing is said of b" in words


def test_no_numbers_no_verdict(say):
    assert say(rows=[]) == "No verdict: no response time of a prediction is published."


def test_a_smoke_run_gets_the_banner_alone(say):
    assert say(profile="smoke") == standing.SMOKE_BANNER


def test_an_invalid_run_gets_no_verdict(say):
    assert say(validity={"valid": False, "reasons": ["late"]}) == (
        "No verdict: the run cannot be relied on: it is not valid."
    )


@pytest.fixture
def say_staircase(build):
    """Build a run whose load rises and return its verdict."""

    def sentence(**parts):
        folder = runfolder.read(build.staircase(**parts))
        return verdict.headline(view.build(folder), standing.judge(folder)).replace("\N{NO-BREAK SPACE}", " ")

    return sentence


def test_a_staircase_is_judged_at_low_load_with_capacity_and_crossover(say_staircase):
    words = say_staircase()
    assert words.startswith("On this machine, at low load (4 predictions per second) and over 2 blocks, Model in the")
    assert "6.83 ms" in words
    assert "With at most 5 % slower than 250 ms, the capacity in predictions per second is between 28 and 40" in words
    assert words.endswith("Model as a service overtakes embedded between 12 and 28 predictions per second.")


def test_an_arm_is_never_ranked(say_staircase):
    words = say_staircase()
    assert "embedded again" not in words
    assert "10 ms" not in words


def test_a_difference_within_the_noise_floor_is_a_tie(say_staircase):
    wide = {"metric": "response_p95", "value": 1, "low": 0.1, "high": 12, "half_width": 11.0, "n": 6}
    assert "does not tell" in say_staircase(noise_floor=[wide])


def test_without_a_noise_floor_the_order_is_no_claim(say_staircase, say):
    assert "so the order is an observation and no claim" in say_staircase(noise_floor=[])
    assert "noise floor" not in say()


def test_variants_at_different_loads_are_not_ranked(say, row):
    rows = [
        row("a", "prediction", "response_p95", 5, 4, 6, offered=4),
        row("b", "prediction", "response_p95", 90, 80, 95, offered=40),
    ]
    words = say(variants=("a", "b"), rows=rows, requests=requests({"a": [5, 5], "b": [90, 90]}))
    assert "does not tell" in words
