"""What the commands around the model share: streams that are open, and numbers that are finite."""

import math
import os
import sys
from typing import Any

import click

DAY_S = 86_400


class Finite(click.FloatRange):
    """A number from `at_least` to `at_most`. NaN would pass for one: it is not less than anything."""

    def __init__(self, at_least: float, at_most: float, *, min_open: bool = False) -> None:
        super().__init__(min=at_least, max=at_most, min_open=min_open)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        """Return the number; click tells the user where it fails."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value} is no number", param, ctx)
        return number


def open_streams() -> None:
    """Open those standard streams that were closed, on nothing: else the next file or socket would be one of them.

    To be called before anything else is opened. Whoever is started gets them, too.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode)  # noqa: PTH123, SIM115  (it stays; gets the lowest free number, its own)
            os.set_inheritable(stream.fileno(), True)  # noqa: FBT003
            setattr(sys, name, stream)
