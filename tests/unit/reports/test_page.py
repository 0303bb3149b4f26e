"""The page as a whole: what a reviewer reads, for every kind of run."""

import json
import re
from html.parser import HTMLParser

import pytest

import reports
from reports import ReportError

VOID = {"meta", "link", "br", "img", "hr", "input"}
HOSTILE = '<script>alert("x")</script> & \'"{{ 7 * 7 }}'


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


@pytest.fixture
def show(build):
    """Build a run, render it, return its page."""

    def page(**parts):
        return Page(reports.render(build(**parts)).read_text(encoding="utf-8"))

    return page


def test_a_sound_run_reads_from_question_to_data(show):
    page = show()
    order = ["Where should the model live?", "had the lowest p95", "Response times and failures", "Promises", "Gates",
             "architectures", "How it was measured", "Reproduce", "Data"]  # fmt: skip
    places = [page.text.index(words, page.text.index("sweetspot, profile")) for words in order]
    assert places[:2] == sorted(places[:2])
    assert [title for title in order[2:] if title in page.text] == order[2:]
    assert "✓ met" in page.text
    assert "Not valid" not in page.text


def test_every_figure_is_accessible(show):
    page = show()
    assert len(page.all("figure")) == len(page.all("figcaption")) == len(page.all("svg")) == 3
    assert all(svg["role"] == "img" for svg in page.all("svg"))
    assert len(page.all("details")) >= 3
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))


def test_ids_are_unique_and_every_link_leads_somewhere(show):
    page = show()
    assert len(page.ids) == len(set(page.ids))
    inside = {link[1:] for link in page.links if link.startswith("#")}
    assert inside <= set(page.ids)
    assert {link for link in page.links if not link.startswith("#")} == {"run.json", "results.csv", "requests.parquet"}


def test_the_page_needs_nothing_from_outside(build):
    source = reports.render(build()).read_text(encoding="utf-8")
    assert "default-src 'none'" in source
    assert "<script" not in source
    assert not re.search(r'(?:src|href)="(?:https?:)?//', source)
    assert "@import" not in source
    assert "url(http" not in source


def test_the_same_folder_gives_the_same_bytes_wherever_it_lies(build):
    first = reports.render(build(name="one")).read_bytes()
    assert reports.render(build(name="one")).read_bytes() == first
    assert reports.render(build(name="elsewhere")).read_bytes() == first


def test_nothing_is_left_beside_the_report(build):
    folder = build()
    before = {path.name for path in folder.iterdir()}
    assert reports.render(folder) == folder / "report.html"
    assert {path.name for path in folder.iterdir()} == before | {"report.html"}


def test_the_file_stays_small(build):
    names = tuple(f"variant {number}" for number in range(6))
    assert reports.render(build(variants=names)).stat().st_size < 1_000_000


def test_a_smoke_run_makes_no_claim(show):
    page = show(profile="smoke")
    assert "This run proves that everything works; it is too short for claims." in page.text
    assert "muted" in page.all("main")[0]["class"]
    for claim in ("✓ met", "had the lowest", "ahead of E", "largest stage", "times the median"):
        assert claim not in page.text
    assert "not judged" in page.text
    assert "26.0" in page.text


def test_an_invalid_run_is_stamped_with_reasons_and_what_to_do(show):
    gate = {"gate": "G2", "title": "All was sent", "variant": "embedded", "value": 0.2, "limit": 0.001, "unit": "share",
            "passed": False, "note": "80 of 100 sent"}  # fmt: skip
    page = show(gates=[gate], validity={"valid": False, "reasons": ["A fifth was never sent."]})
    for words in ("Not valid", "A fifth was never sent.", "What to do:", "Lower the rates", "✕ fail", "80 of 100 sent"):
        assert words in page.text
    assert "had the lowest" not in page.text
    assert "✓ met" not in page.text


def test_an_interrupted_run_is_still_reported(show):
    page = show(state="interrupted", finished_at=None, without=("requests.parquet", "results.csv"), validity=None)
    assert "Not finished" in page.text
    assert "There is no table: results.csv was not written." in page.text
    assert "There is no percentile curve: requests.parquet was not written." in page.text
    assert page.all("figure") == []


def test_an_interrupted_run_shows_what_it_has(show):
    page = show(state="interrupted", without=("requests.parquet",))
    assert len(page.all("figure")) == 2
    assert "had the lowest" not in page.text


def test_a_run_that_died_at_once_is_still_reported(build):
    folder = build(without=("requests.parquet", "results.csv"))
    (folder / "run.json").write_text('{"schema": "sweetspot.run/1", "state": "running"}')
    assert "Not finished" in Page(reports.render(folder).read_text(encoding="utf-8")).text


def test_hostile_text_stays_text(build, rows):
    process = {"name": HOSTILE, "roles": [HOSTILE], "run": [HOSTILE]}
    folder = build(
        variants=(HOSTILE,),
        id=HOSTILE,
        profile=HOSTILE,
        command=[HOSTILE],
        settings={HOSTILE: HOSTILE},
        machine={"cpu": HOSTILE},
        versions={HOSTILE: HOSTILE},
        checks=[{"title": HOSTILE, "unit": HOSTILE, "verdict": HOSTILE, "note": HOSTILE, "value": 1.5, "limit": 2}],
        gates=[{"gate": HOSTILE, "title": HOSTILE, "verdict": HOSTILE, "advice": HOSTILE, "unit": HOSTILE}],
        validity={"valid": True, "reasons": [HOSTILE]},
        rows=rows((HOSTILE,)),
        noise_floor=[{"metric": HOSTILE, "half_width": 0.04}],
        ratios=[{"left": HOSTILE, "right": HOSTILE, "case": HOSTILE, "metric": HOSTILE, "claim": True}],
        capacity=[{"variant": HOSTILE, "points": [{"verdict": HOSTILE}]}],
        crossover={"left": HOSTILE, "right": HOSTILE, "low": 1, "words": HOSTILE},
    )
    path = folder / "run.json"
    variants = [{"name": HOSTILE, "title": HOSTILE, "model": {HOSTILE: HOSTILE}, "processes": [process]}]
    path.write_text(path.read_text().replace('"trials"', f'"variants": {json.dumps(variants)}, "trials"'))
    page = Page(reports.render(folder).read_text(encoding="utf-8"))
    assert page.all("script") == []
    assert HOSTILE in page.text


def test_an_unwritable_folder_is_explained(build, monkeypatch):
    folder = build()
    (folder / "report.html").mkdir()
    with pytest.raises(ReportError, match="cannot be written"):
        reports.render(folder)
    assert not list(folder.glob(".report*"))


@pytest.fixture
def climb(build):
    """Build a run whose load rises, render it, return its page."""

    def page(**parts):
        return Page(reports.render(build.staircase(**parts)).read_text(encoding="utf-8"))

    return page


def test_a_staircase_reads_from_low_load_to_gates(climb):
    text = climb(settings={"thresholds_version": 3}).text
    order = ["failures at low load", "Under rising load", "Capacity: how much", "Resources of the whole stack at",
             "Ratios and the noise floor", "Noise floor: ±4.0 %", "Promises", "noise floor ±4.0 % (response p50)",
             "by version 3 of the thresholds", "Advice of G7.", "! warn"]  # fmt: skip
    places = [text.index(words, text.index("Reproduce Data")) for words in order]
    assert places == sorted(places)
    assert "Advice of G1." not in text


def test_a_staircase_is_accessible(climb):
    page = climb()
    assert len(page.all("figure")) == len(page.all("svg")) == 4
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert all(region["tabindex"] == "0" for region in page.all("div") if region.get("role") == "region")


def test_an_arm_is_drawn_nowhere(build):
    source = reports.render(build.staircase()).read_text(encoding="utf-8")
    assert re.findall(r"embedded again[^<]*", source) == [
        "embedded again is Embedded once more, as it is: how far the two differ is the noise floor."
    ]


def test_a_staircase_that_is_not_valid_claims_nothing(climb):
    page = climb(validity={"valid": False, "reasons": ["x"]})
    for claim in ("✓ differ", "overtakes", "collapsed", "held (", "had the lowest"):
        assert claim not in page.text
    assert "Under rising load" in page.text


def test_an_older_run_has_no_empty_sections(show):
    page = show()
    assert {"rising", "ratios"} & set(page.ids) == set()
    assert "noise floor not measured" in page.text


def test_an_interrupted_staircase_shows_what_it_has(climb):
    page = climb(state="interrupted", without=("requests.parquet",), noise_floor=None, ratios=None, capacity=None)
    assert "Not finished" in page.text
    assert "Under rising load" in page.text


def test_a_refused_run_keeps_the_report_that_was_there(build):
    folder = build(schema="sweetspot.run/9")
    (folder / "report.html").write_text("old")
    with pytest.raises(ReportError):
        reports.render(folder)
    assert (folder / "report.html").read_text() == "old"
