"""A matplotlib drawing as accessible inline SVG: same input, same bytes, no global state left behind."""

import io
import warnings
from collections.abc import Callable
from typing import Any, Final
from xml.etree import ElementTree as ET

from reports.drawing.library import Figure, FigureCanvasSVG, mpl

STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud, and takes the page's font
    "text.parse_math": False,  # a title of a variant may hold a dollar sign
    "font.family": ["DejaVu Sans"],  # ships with matplotlib, so that every machine lays out the same
    "font.size": 10,
    "hatch.linewidth": 0.4,
}
# Not by `rcdefaults`, which reads the user's styles. Nothing is drawn on a backend but SVG.
DEFAULTS: Final[dict[Any, Any]] = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"}
LABEL_LENGTH = 24


def drawing(key: str, title: str, text: str, size: tuple[float, float], draw: Callable[[Figure], None]) -> str:
    """Draw on a figure of this size in inches; `key` makes its ids unique in the page."""
    file = io.StringIO()
    # Whatever another drawing of this process has set is not ours; a glyph that DejaVu lacks is the browser's to find.
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mpl.rcParams.update(DEFAULTS | STYLE | {"svg.hashsalt": key})
        figure = Figure(figsize=size)
        draw(figure)
        FigureCanvasSVG(figure)
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _inline(key, title, text, file.getvalue())


def label(text: str) -> str:
    """Text for a drawing: one line, printable, not too long."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= LABEL_LENGTH else line[: LABEL_LENGTH - 1] + "…"


def _inline(key: str, title: str, text: str, source: str) -> str:
    """Return the <svg> element alone, named for assistive technology, its ids unique in the page."""
    root = ET.fromstring(source)  # noqa: S314 - written by matplotlib one line ago
    for element in root.iter():
        _localise(key, element)
    for defs in list(root.iter("defs")):
        for style in defs.findall("style"):  # it would style the whole page; style.css says the same for figures only
            defs.remove(style)
    for metadata in root.findall("metadata"):
        root.remove(metadata)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-labelledby": f"{key}-title {key}-text"}
    for place, (tag, name, words) in enumerate((("title", "title", title), ("desc", "text", text))):
        child = ET.Element(tag, {"id": f"{key}-{name}"})
        child.text = words
        root.insert(place, child)
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)


def _localise(key: str, element: ET.Element) -> None:
    """HTML needs no namespaces, and ids must not meet those of another drawing of the page."""
    element.tag = element.tag.rpartition("}")[2]
    attributes = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    if "id" in attributes:
        attributes["id"] = f"{key}-{attributes['id']}"
    if attributes.get("href", "").startswith("#"):
        attributes["href"] = f"#{key}-{attributes['href'][1:]}"
    element.attrib = {name: value.replace("url(#", f"url(#{key}-") for name, value in attributes.items()}
