import pytest

from bench.exits import StackFailed
from bench.machine.limit import parse


def test_nanoseconds_become_milliseconds_by_quantity():
    found = parse('{"samples_ns": [3000000], "decode_ns": [1000000], "infer_ns": [2000000], "provider": "cpu"}')
    assert found.samples_ms == {"response": [3.0], "stage_decode": [1.0], "stage_infer": [2.0]}
    assert found.provider == "cpu"


@pytest.mark.parametrize("text", ["", "{}", "no model", '{"samples_ns": 3, "decode_ns": [], "infer_ns": []}'])
def test_anything_else_is_refused(text: str):
    with pytest.raises(StackFailed, match="something else than its JSON"):
        parse(text)
