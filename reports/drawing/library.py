"""matplotlib, imported as nobody's: the one place of the reports that imports it.

It reads settings once, when it is imported: of the shell, of a file in the current folder, of one at home. They would
change a drawing, or keep it from being drawn; nobody's settings are its own defaults.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

FOREIGN = ("MPL", "_MPL", "MATPLOTLIB")


@contextmanager
def nobodys_settings() -> Iterator[None]:
    """Stand where there is no `matplotlibrc`, and have none at home looked for."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(FOREIGN):
            del os.environ[name]
    os.environ["MATPLOTLIBRC"] = os.devnull
    try:
        with chdir(Path(__file__).parent):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it says where it keeps its list of fonts
with nobodys_settings():
    import matplotlib as mpl
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

__all__ = [
    "Artist", "Axes", "Axis", "Figure", "FigureCanvasSVG", "FuncFormatter", "Line2D", "LogLocator", "NullLocator",
    "Patch", "mpl", "nobodys_settings",
]  # fmt: skip
