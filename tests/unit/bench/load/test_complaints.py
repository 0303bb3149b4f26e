"""What a user reads of an error: a line, and nothing that a terminal obeys."""

import pytest

from bench.exits import UsageProblem
from bench.load.complaints import LONGEST_LINE, in_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UsageProblem("two\nlines"), "two lines"),
        (UsageProblem("cannot write to /x\0y\x1b[2J"), r"cannot write to /x\x00y\x1b[2J"),
        (UsageProblem("\u202eesrever\udcff"), r"\u202eesrever\udcff"),
        (ValueError("a\x1b"), r"a bug in the load generator: ValueError('a\x1b') (--loglevel DEBUG shows where)"),
    ],
)
def test_an_error_becomes_one_line_that_moves_no_cursor(error: Exception, words: str):
    assert in_words(error) == words


def test_what_a_server_repeats_without_end_is_cut():
    assert len(in_words(UsageProblem("x" * 100_000))) == LONGEST_LINE
