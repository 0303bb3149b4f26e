import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.samples import CODES, OUTCOMES, Samples, merge
from runfile.columns import ANSWERED, MEASURED, NEVER, STAGES


def filled(count: int, first: int = 0, step: int = 1) -> Samples:
    """Samples whose every value tells its number in the whole schedule."""
    samples, numbers = Samples.empty(count), first + step * np.arange(count)
    for name, column in samples.numbers.items():
        column[:] = numbers % len(OUTCOMES) if name == "code" else numbers
    samples.words = {name: [f"{name} {number}" for number in numbers] for name in samples.words}
    samples.connections, samples.requests_sent, samples.loop_lag_ns, samples.collections = 2, count, [first], first
    return samples


def test_at_first_nothing_is_known_and_nothing_was_sent():
    empty = Samples.empty(2)
    assert empty.outcome.tolist() == ["unsent", "unsent"]
    assert empty.numbers["sent_ns"].tolist() == empty.numbers["done_ns"].tolist() == [NEVER, NEVER]
    assert all(np.isnan(empty.numbers[f"stage_{stage}_ms"]).all() for stage in STAGES)
    assert empty.words == {column.name: [None, None] for column in ANSWERED}


def test_every_measured_column_is_kept_as_the_run_file_says():
    empty = Samples.empty(1)
    assert {name: str(column.dtype) for name, column in empty.numbers.items()} == {
        **{column.name: column.type for column in MEASURED}, "code": "int8",
    }  # fmt: skip


def test_never_is_earlier_than_any_warm_up():
    assert NEVER < -(10**18)
    assert Samples.empty(1).numbers["sent_ns"].dtype == np.int64


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_has_a_code_and_is_read_back(outcome: str):
    samples = Samples.empty(1)
    samples.numbers["code"][0] = CODES[outcome]
    assert samples.outcome.tolist() == [outcome]


@given(count=st.integers(0, 20))
def test_a_message_between_processes_loses_nothing(count: int):
    samples = filled(count, 7)
    read = Samples.from_message(samples.message())
    for name, column in samples.numbers.items():
        assert read.numbers[name].tolist() == column.tolist()
        assert read.numbers[name].dtype == column.dtype
    assert (read.words, read.connections, read.requests_sent) == (samples.words, 2, count)
    assert (read.loop_lag_ns, read.collections) == ([7], 7)


def test_what_was_read_can_be_written_to():
    Samples.from_message(filled(3).message()).numbers["sent_ns"][0] = 5


def test_a_message_holds_only_what_every_encoding_can_carry():
    message = filled(3).message()
    assert {type(part) for part in message["numbers"].values()} == {bytes}
    assert json.loads(json.dumps(message["words"])) == message["words"]


def test_half_a_character_in_an_answer_does_not_keep_all_others_from_being_sent():
    samples = Samples.empty(2)
    samples.words["source"][0] = "l\ud800ve"
    assert samples.message()["words"]["source"] == ["l?ve", None]


@given(count=st.integers(0, 40), processes=st.integers(1, 5))
def test_shares_are_put_back_where_they_were_taken_from(count: int, processes: int):
    shares = [filled(len(range(index, count, processes)), index, processes) for index in range(processes)]
    whole, expected = merge(shares, count), filled(count)
    for name, column in expected.numbers.items():
        assert whole.numbers[name].tolist() == column.tolist()
    assert whole.words == expected.words
    assert (whole.connections, whole.requests_sent) == (2 * processes, count)
    assert (whole.loop_lag_ns, whole.collections) == (list(range(processes)), sum(range(processes)))


def test_what_a_process_took_with_it_is_lost_and_not_merely_unsent():
    whole = merge([filled(2, 0, 2), None], 4)
    assert whole.outcome[[1, 3]].tolist() == ["lost", "lost"]
    assert (whole.numbers["sent_ns"] == NEVER).tolist() == [False, True, False, True]
    assert (whole.requests_sent, whole.connections) == (2, 2)
