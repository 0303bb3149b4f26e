"""run.json and back: nothing is lost, an odd number breaks nothing, and every mistake is told with its key."""

import json
import math
from dataclasses import asdict, is_dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runfile import facts
from runfile.decoding import Malformed, decode, encode
from runfile.facts import Check, Null, Run, Slice, Trial
from tests.unit.runfile.runs import every

KINDS = [kind for kind in vars(facts).values() if is_dataclass(kind)]


@settings(max_examples=40)
@given(run=every(Run))
def test_any_run_is_itself_again(run: Run):
    assert decode(Run, encode(run)) == run


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=10)
@given(data=st.data())
def test_any_part_of_a_run_is_itself_again(kind: type, data: st.DataObject):
    part = data.draw(every(kind))
    assert decode(kind, encode(part)) == part


@settings(max_examples=40)
@given(run=every(Run, st.floats()))
def test_what_json_cannot_hold_becomes_null_wherever_it_stands_and_all_else_stays(run: Run):
    text = encode(run)
    assert json.loads(text) == json.loads(json.dumps(asdict(run)), parse_constant=lambda _: None)
    assert encode(decode(Run, text)) == text


def test_a_number_that_is_null_is_none_where_it_may_be_absent_and_nan_where_it_may_not():
    null = decode(Null, encode(Null(math.inf, math.nan, -math.inf)))
    assert (math.isnan(null.rate_per_s), null.lag_p99_ms, null.service_p99_ms) == (True, None, None)


def test_numbers_of_numpy_are_numbers():
    check = Check("t", np.float64(1.5), np.float32("nan"), None, np.int64(2), "ms", np.int64(3), "met")
    assert decode(Check, encode(check)) == Check("t", 1.5, None, None, 2.0, "ms", 3, "met")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"state": "done"}, "state: must be 'running', 'complete', 'interrupted' or 'failed'"),
        ({"state": None}, "state: must be"),
        ({"id": 3}, "id: must be a valid string"),
        ({"machine": []}, "machine must be a table"),
        ({"experiments": {"latency": {"trials": [{"trial": 1, "variant": "v", "block": "one"}]}}},
         r"experiments\.latency\.trials\[0\]\.block: must be a valid integer"),
        ({"experiments": {"latency": {"trials": [{"trial": 1, "variant": "v"}]}}},
         r"experiments\.latency\.trials\[0\]\.block is missing"),
        ({"experiments": {"peers": {"trials": [1]}}}, r"experiments\.peers\.trials\[0\] must be a table"),
        ({"experiments": {"latency": {"trials": {}}}}, r"experiments\.latency\.trials: must be a valid array"),
        ({"gates": [{"gate": "G1", "title": "t", "value": "high"}]}, r"gates\[0\]\.value: must be a valid number"),
        ({"validity": {"valid": "perhaps"}}, r"validity\.valid: must be a valid boolean"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_key(change: dict[str, object], message: str):
    with pytest.raises(Malformed, match=message):
        decode(Run, json.dumps({"state": "running"} | change))


def test_all_mistakes_are_told_at_once():
    with pytest.raises(Malformed, match=r"^state is missing; seed: must be a valid integer"):
        decode(Run, '{"seed": "seven"}')


def test_what_a_later_revision_adds_is_passed_over():
    assert decode(Trial, '{"trial": 1, "block": 2, "variant": "v", "colour": "blue"}') == Trial(1, 2, "v")


def test_what_is_no_json_is_told():
    with pytest.raises(Malformed, match="Invalid JSON"):
        decode(Slice, '{"clients": 1')
