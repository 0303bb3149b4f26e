"""A page taken apart, for the tests."""

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Text, tags and attributes; fails where tags do not close in order."""

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.said = [], [], [], [], []
        self.feed(source)
        self.close()
        assert self.open == []

    @property
    def text(self):
        return " ".join(" ".join(self.said).replace("\N{NO-BREAK SPACE}", " ").split())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "text", "desc"):
            self.said.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def plain(source):
    """Return a page without its drawings and its style, which have files and tests of their own."""
    without = re.sub(r"<svg.*?</svg>", "<svg/>", source, flags=re.DOTALL)
    return re.sub(r"<style>.*?</style>", "<style></style>", without, flags=re.DOTALL)
