"""The page as a whole: what a reviewer reads, for every kind of run."""

import re
from dataclasses import fields, replace

import pytest

import reports
from reports import ReportError, page
from runfile.facts import Capacity, Check, Crossover, Experiments, Failed, Gate, Machine, Process, Validity, Variant
from tests.unit.reports import simulated
from tests.unit.reports.pages import Page
from tests.unit.reports.peers import simulated as peers

HOSTILE = '<script>alert("x")</script> & \'"{{ 7 * 7 }}'
INVALID = Validity(reasons=("A fifth was never sent.",))


def test_every_experiment_has_a_room():
    assert len(page.ROOMS) == len(fields(Experiments))


def test_a_sound_run_reads_from_question_to_data(show):
    text = show().text
    order = [
        "Where should the model live?", "it took 0.15", "where few requests meet another one", "Under rising load",
        "Capacity: how much", "Resources of the whole stack at", "Ratios and the noise floor", "Noise floor: ±4.0 %",
        "Promises", "✓ met", "by version 3 of the thresholds", "! warn", "Measured again or left out",
        "The architectures, as they ran", "How it was measured", "Reproduce", "Data This page",
    ]  # fmt: skip
    places = [text.index(words, text.index("Reproduce Data") + 14) for words in order[2:]]
    assert all(words in text for words in order[:2])
    assert places == sorted(places)
    assert "Not valid" not in text
    assert "Advice of G7." in text
    assert "Advice of G1." not in text


def test_every_figure_is_accessible(show):
    page = show()
    assert len(page.all("figure")) == len(page.all("figcaption")) == len(page.all("svg")) == 4
    assert all(svg["role"] == "img" for svg in page.all("svg"))
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert all(region["tabindex"] == "0" for region in page.all("div") if region.get("role") == "region")


def test_links_and_ids_resolve(show):
    page = show(without=("events.jsonl",))
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert {link for link in page.links if not link.startswith("#")} == {
        "run.json", "results.csv", "requests.parquet", "processes.parquet",
    }  # fmt: skip


def test_the_page_needs_nothing_from_outside(build):
    source = reports.render(build()).read_text(encoding="utf-8")
    assert "default-src 'none'" in source
    assert "<script" not in source
    assert not re.search(r'(?:src|href)="(?:https?:)?//', source)
    assert "@import" not in source
    assert "url(http" not in source


def test_the_same_folder_gives_the_same_bytes_wherever_it_lies(build):
    folder = build()
    first = reports.render(folder).read_bytes()
    assert reports.render(folder).read_bytes() == first
    assert reports.render(folder.rename(folder.parent / "elsewhere")).read_bytes() == first


def test_nothing_is_left_beside_the_report(build):
    folder = build()
    before = {path.name for path in folder.iterdir()}
    assert reports.render(folder) == folder / "report.html"
    assert {path.name for path in folder.iterdir()} == before | {"report.html"}


def test_a_run_of_several_experiments_is_one_page(build):
    experiments = {"latency": simulated.latency(verdicts=False), "peers": peers.found()}
    folder = build(experiments=experiments, rows=[*simulated.rows(), *peers.rows()])
    page = Page(reports.render(folder).read_text(encoding="utf-8"))
    for words in (
        "Latency and peers", "Where should the model live?", "What does an inference server cost",
        "promises of latency not judged", "promises of peers 1 met, 1 missed", "By itself a server takes",
        "it is too short for claims", "Embedded climbs", "Every server answers the same question",
    ):  # fmt: skip
        assert words in page.text
    assert len(page.ids) == len(set(page.ids))
    assert "Figure 5" in {region.get("aria-label") for region in page.all("div")}


def test_a_run_too_short_for_verdicts_makes_no_claim_whatever_its_profile_is_called(show):
    page = show(verdicts=False, run={"profile": "mine"})
    assert "This run proves that everything works; it is too short for claims." in page.text
    assert "muted" in {each.get("class") for each in page.all("div")}
    for claim in ("✓ met", "✓ differ", "times as long", "The largest stage", "Answered in time", "The order of"):
        assert claim not in page.text
    assert "not judged" in page.text
    assert "24.6" in page.text
    assert page.text.count("An illustration, not a finding.") == len(page.all("figure"))


def test_a_run_that_is_long_enough_claims_whatever_its_profile_is_called(show):
    page = show(run={"profile": "smoke"})
    assert "is faster than a live one (Embedded)" in page.text
    assert "✓ met" in page.text


def test_an_invalid_run_is_stamped_with_reasons_and_what_to_do(show):
    gate = Gate("G2", "All was sent", "embedded", 0.2, 0.001, 0.001, "share", "fail", "80 of 100", "Lower the rates.")
    page = show(gates=(gate,), validity=INVALID)
    assert "All was sent: not so for Embedded, with 20.0 % above 0.1 % (80 of 100) G2" in page.text
    for words in ("Not valid", "A fifth was never sent.", "What to do: Lower the rates.", "✕ fail", "80 of 100"):
        assert words in page.text
    for claim in ("times as long", "✓ met", "✓ differ", "The order of"):
        assert claim not in page.text
    assert "Under rising load" in page.text


def test_an_interrupted_run_is_still_reported(show):
    run = {"state": "interrupted", "finished_at": None, "validity": Validity()}
    page = show(run=run, without=("requests.parquet", "results.csv"), ratios=(), noise_floor=None, capacity=())
    assert "Not finished" in page.text
    assert "There is no table: results.csv was not written." in page.text
    assert "There is no percentile curve: requests.parquet was not written." in page.text
    assert page.all("figure") == []


def test_an_interrupted_run_shows_what_it_has(show):
    page = show(run={"state": "interrupted"}, without=("requests.parquet",))
    assert len(page.all("figure")) == 3
    assert "times as long" not in page.text


def test_a_run_that_died_at_once_is_still_reported(build):
    folder = build(experiments={}, without=("requests.parquet", "results.csv"), state="running", variants=())
    page = Page(reports.render(folder).read_text(encoding="utf-8"))
    assert "A run that found nothing" in page.text
    assert "Not finished" in page.text


def test_hostile_text_stays_text(build):
    process = Process(HOSTILE, (HOSTILE,), (HOSTILE,))
    found = simulated.latency(
        settings={HOSTILE: HOSTILE},
        trials=(replace(simulated.turns(1), variant=HOSTILE, reason=HOSTILE),),
        failed=(Failed(1, HOSTILE, HOSTILE, again=False),),
        checks=(Check(HOSTILE, 1.5, None, None, 2, HOSTILE, 1, "met", HOSTILE),),
        gates=(Gate(HOSTILE, HOSTILE, HOSTILE, unit=HOSTILE, note=HOSTILE, advice=HOSTILE),),
        noise_floor=(simulated.floor(HOSTILE),),
        ratios=(simulated.ratio(HOSTILE, HOSTILE, 1, 1, 1, case=HOSTILE, metric=HOSTILE),),
        capacity=(Capacity(HOSTILE, None, None, None, None, None, ()),),
        crossover=Crossover(HOSTILE, HOSTILE, HOSTILE, 1.0, None, HOSTILE),
    )
    folder = build(
        experiments={"latency": found},
        id=HOSTILE,
        profile=HOSTILE,
        command=(HOSTILE,),
        machine=Machine(cpu=HOSTILE),
        versions={HOSTILE: HOSTILE},
        variants=(Variant(HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, (process,)),),
        rows=[simulated.row(HOSTILE, HOSTILE, "response_p50", 5.0)],
    )
    page = Page(reports.render(folder).read_text(encoding="utf-8"))
    assert page.all("script") == []
    assert HOSTILE in page.text


def test_an_unwritable_folder_is_explained(build):
    folder = build()
    (folder / "report.html").mkdir()
    with pytest.raises(ReportError, match="cannot be written"):
        reports.render(folder)
    assert not list(folder.glob(".report*"))


def test_a_refused_run_keeps_the_report_that_was_there(build):
    folder = build()
    (folder / "run.json").write_text('{"schema": "sweetspot.run/9"}')
    (folder / "report.html").write_text("old")
    with pytest.raises(ReportError):
        reports.render(folder)
    assert (folder / "report.html").read_text() == "old"


def test_an_arm_is_drawn_nowhere(build):
    source = reports.render(build()).read_text(encoding="utf-8")
    assert re.findall(r"embedded again[^<]*", source) == [
        "embedded again is Embedded once more, as it is: how far the two differ is the noise floor."
    ]


def test_a_setting_that_is_missing_is_not_told(show):
    page = show(run={"settings": {}}, settings={})
    assert "of the thresholds" not in page.text
    assert "2 passed" in page.text


def test_a_run_without_a_noise_floor_compares_nothing(show):
    page = show(noise_floor=None, ratios=())
    assert "ratios" not in page.ids
    assert "noise floor not measured" in page.text


@pytest.mark.parametrize(
    ("sut", "generator", "words"),
    [
        ((0,), (1,), "2 cores (1 core for the system, 1 for the generator, over loopback)"),
        ((0, 1), (0, 1), "2 cores (shared by system and generator, over loopback)"),
        ((), (), "2 cores"),
    ],
)
def test_the_machine_says_whose_cores_are_whose(sut, generator, words):
    machine = replace(simulated.MACHINE, sut_cores=sut, generator_cores=generator)
    line = page.machine_line(machine).replace("\N{NO-BREAK SPACE}", " ")
    assert line == f"AMD EPYC 7B13, {words}, 8.00 GiB, Debian 12"


def test_what_was_measured_again_or_left_out_is_told(show):
    text = show().text
    assert "Embedded, block 1: the cores were 39 % off their usual speed." in text
    assert "Model as a service, block 2, failed and was tried again: the inference server was not ready" in text
    assert "All in turns, block 1, a round: lag p99 8 ms." in text
    assert "warm-up" not in text
    assert "Measured again" not in show(trials=(), failed=()).text


def test_a_gate_of_several_variants_gives_its_advice_once_and_names_them_by_their_titles(show):
    gates = [simulated.gate("G4", "Read in time", variant, "warn") for variant in ("embedded", "model_in_db", "turns")]
    text = show(gates=tuple(gates)).text
    assert text.count("Advice of G4.") == 1
    order = [text.index(f"{title} 1.80 ms") for title in ("Embedded", "Model in the database", "all in turns")]
    assert order == sorted(order)


def test_what_happened_often_is_told_once(show):
    steps = tuple(replace(each, reason="lag" if each.round != 2 else "") for each in simulated.turns(2).steps)
    failed = Failed(0, "model_in_db", "no port is free", again=False)
    text = show(trials=(replace(simulated.turns(2), steps=steps),), failed=(failed,)).text
    assert "All in turns, block 2, a round: lag (2 x)." in text
    assert "Model in the database, failed and is left out: no port is free." in text
