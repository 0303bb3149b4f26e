"""A figure: panels below each other over one horizontal axis, under one legend."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reports.drawing.axes import EDGE, LEFT, MARKER, WIDTH, add
from reports.drawing.library import Artist, Axes, Figure, Line2D
from reports.drawing.palette import FAINT, INK, look
from reports.drawing.svg import drawing, label

HEAD, FOOT = 0.4, 0.52  # inches
LABEL_DROP = 0.38  # inches below the axis
LONG_LABEL = 21  # letters, of which three beside each other fill the width


@dataclass(frozen=True)
class Panel:
    """One drawing of the column: its height in inches, who paints it, and its heading, if it has one."""

    height: float
    paint: Callable[[Axes], None]
    title: str = ""


def column(
    key: str, title: str, text: str, across: str, panels: Sequence[Panel], keys: Sequence[Artist], left: float = LEFT
) -> str:
    """Draw panels as SVG, so many inches from the left; the lowest one has the numbers and the name of what is across.

    `key` makes ids unique in the page; title and text are for assistive technology.
    """
    heads = [HEAD if panel.title else 0.0 for panel in panels]
    total = FOOT + sum(heads) + sum(panel.height for panel in panels) + _legend_height(keys)

    def paint(figure: Figure) -> None:
        bottom = FOOT
        for head, panel in reversed([*zip(heads, panels, strict=True)]):
            axes = add(figure, bottom, panel.height, left)
            axes.set_title(panel.title, loc="left", fontsize=10.5, fontweight="bold", color=INK, pad=6, y=1)
            panel.paint(axes)
            axes.tick_params(labelbottom=panel is panels[-1])
            bottom += panel.height + head
        _name_across(figure.axes[0], across)
        _legend(figure, keys)

    return drawing(key, title, text, (WIDTH, total), paint)


def _name_across(axes: Axes, words: str) -> None:
    """Name the horizontal axis, at a place of ours: to find its own, matplotlib would lay out all ticks twice."""
    axes.set_xlabel(words, color=FAINT)
    axes.xaxis.set_label_coords(0.5, -LABEL_DROP / (axes.bbox.height / axes.figure.dpi))


def variant_keys(titles: Iterable[str], *, dashes: bool = True) -> list[Artist]:
    """One legend entry per variant: colour, marker and dash as in every figure."""
    keys: list[Artist] = []
    for index, title in enumerate(titles):
        style = look(index)
        key = Line2D([], [], color=style.colour, linestyle=style.dash if dashes else "", label=label(title))
        key.set(marker=style.marker, markersize=MARKER, markeredgecolor=INK, markeredgewidth=EDGE)
        keys.append(key)
    return keys


def _legend_height(keys: Sequence[Artist]) -> float:
    """Return the inches that the legend takes, with the air below it."""
    return 0.14 + 0.24 * -(-len(keys) // _columns(keys))


def _columns(keys: Sequence[Artist]) -> int:
    """Return how many legend entries fit beside each other."""
    return 3 if max(len(str(key.get_label())) for key in keys) <= LONG_LABEL else 2


def _legend(figure: Figure, keys: Sequence[Artist]) -> None:
    """Put the legend, left-aligned at the top."""
    columns = _columns(keys)
    figure.legend(
        # matplotlib fills columns first; readers go along the lines.
        handles=[key for column in range(columns) for key in keys[column::columns]],
        loc="upper left",
        bbox_to_anchor=(LEFT / WIDTH, 1 - 0.05 / float(figure.get_figheight())),
        ncols=columns,
        frameon=False,
        borderaxespad=0,
        borderpad=0,
        handlelength=2.4,
        columnspacing=1.6,
        labelcolor=INK,
    )
