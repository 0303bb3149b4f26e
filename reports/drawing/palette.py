"""Colours and markers of the figures: Okabe and Ito's set, which colour-blind readers tell apart (jfly.uni-koeln.de).

A variant also differs by marker and dash, a stage by hatch, so that a grey print still tells them apart.
"""

from dataclasses import dataclass

INK, FAINT, BAND = "#1b1f24", "#6a727c", "#f3f5f7"


@dataclass(frozen=True)
class Look:
    """How one variant is drawn in every figure."""

    colour: str
    marker: str
    dash: tuple[float, tuple[float, ...]]


LOOKS = (
    Look("#0072B2", "o", (0, ())),
    Look("#D55E00", "s", (0, (6, 2))),
    Look("#009E73", "D", (0, (2, 1))),
    Look("#000000", "^", (0, (6, 2, 1, 2))),
    Look("#CC79A7", "v", (0, (1, 1))),
    Look("#E69F00", "P", (0, (8, 2, 1, 2, 1, 2))),
    Look("#56B4E9", "X", (0, (3, 1, 1, 1))),
)

STAGE_LOOKS = {
    "app": ("#56B4E9", ""),
    "db": ("#F0E442", "\\\\\\\\"),
    "decode": ("#FFFFFF", "////"),
    "queue": ("#E69F00", "xxxx"),
    "infer": ("#BBBBBB", ""),
}


def look(index: int) -> Look:
    """Return the look of the variant at this place; an eighth starts over."""
    return LOOKS[index % len(LOOKS)]
