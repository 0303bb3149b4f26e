"""Numbers that no run can measure are refused in words; all others are drawn, however odd."""

import dataclasses
import math
import random

import pytest

import reports
from runfile import RunFileError
from tests.unit.reports import simulated

FIELDS = ("value", "low", "high", "offered_per_s")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("number", [1e308, -1e308, 1e100, 1e16])
def test_more_than_can_be_is_refused_with_file_line_and_number(build, field, number):
    rows = list(simulated.rows())
    rows[3] = dataclasses.replace(rows[3], **{field: number})
    if field == "offered_per_s" and number < 0:
        assert reports.render(build(rows=rows))  # no load at all is read as none
        return
    with pytest.raises(RunFileError, match=r"results\.csv is damaged: line 5 says -?1e\+\d+ as") as refused:
        reports.render(build(rows=rows))
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("number", [0.0, -1.0, -1e15, 1e15, 1e-320, 5e-324, 1e-15, math.inf, -math.inf, None])
@pytest.mark.parametrize("share", [0.2, 1.0])
def test_whatever_else_is_drawn(build, number, share):
    """The numbers of some rows, or of all; the same in every field, or in one."""
    chance = random.Random(1)  # noqa: S311

    def spoiled(row):
        fields = FIELDS[:3] if share == 1.0 else (chance.choice(FIELDS[:3]),)
        return dataclasses.replace(row, **dict.fromkeys(fields, number)) if chance.random() < share else row

    page = reports.render(build(rows=[spoiled(row) for row in simulated.rows()])).read_text()
    assert "</html>" in page
    assert "nan" not in page.replace("banana", "")
