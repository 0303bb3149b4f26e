from dataclasses import replace

from reports.latency import ratios
from runfile.facts import Crossover
from tests.unit.reports.simulated import floor, ratio

CROSSING = Crossover("model_as_service", "embedded", "response_p50", 12.0, 28.0)


def plain(cell):
    return cell.text.replace("\N{NO-BREAK SPACE}", " ")


def test_every_ratio_has_the_noise_floor_of_its_own_rate_beside_it(seen):
    far = ratio("model_in_db", "embedded", None, None, None, offered_per_s=28.0, floor_half_width=0.12, claim=False)
    found = seen(ratios=(ratio("model_as_service", "embedded", 1.19, 1.12, 1.27), far))
    table = ratios.table(found, claims=True)
    assert [each.title for each in table.rows] == [
        "Model as a service / Embedded", "Model in the database / Embedded",
    ]  # fmt: skip
    assert [[plain(cell) for cell in each.cells] for each in table.rows] == [
        ["4", "1.19", "±4.0 %", "2", "✓ differ"], ["28", "withheld", "±12 %", "2", "\N{EN DASH} none"],
    ]  # fmt: skip


def test_without_a_noise_floor_no_ratio_is_a_claim_whatever_the_run_says(seen):
    found = seen(noise_floor=(floor(half_width=None),), ratios=(ratio("a", "b", 0.5, 0.4, 0.6, floor_half_width=None),))
    table = ratios.table(found, claims=True)
    assert [plain(cell) for cell in table.rows[0].cells[2:]] == ["not measured", "2", "\N{EN DASH} none"]
    assert ratios.floor_sentence(found) == "Noise floor not measured: no ratio below is a claim."
    assert ratios.floor_note(found) == "noise floor not measured"


def test_nothing_is_judged_where_nothing_may_be_claimed(seen):
    found = seen()
    table = ratios.table(found, claims=False)
    assert {each.cells[-1].text for each in table.rows} == {"not judged"}


def test_other_ratios_say_of_what_they_are(seen):
    (row,) = ratios.others(seen(), claims=True).rows
    assert row.title == "Model in the database / Embedded, prediction response p95"


def test_an_arm_is_compared_with_nothing(seen):
    entry = ratio("embedded again", "embedded", 1.01, 0.97, 1.05)
    assert ratios.between_architectures(seen(ratios=(entry,))) == []


def test_the_noise_floor_is_told_at_low_load_and_listed_by_metric_and_rate(seen):
    found = seen(noise_floor=(floor(rate=28.0, half_width=0.12), floor(), floor("response_p95", half_width=0.09)))
    assert ratios.floor_sentence(found).replace("\N{NO-BREAK SPACE}", " ") == (
        "Noise floor: ±4.0 % in response p50 at 4 per second, found by measuring Embedded twice in 2 blocks. "
        "No smaller difference is claimed."
    )
    assert [(row.title, plain(row.cells[1])) for row in ratios.floor_table(found).rows] == [
        ("response p50, 4 per second", "±4.0 %"), ("response p95, 4 per second", "±9.0 %"),
        ("response p50, 28 per second", "±12 %"),
    ]  # fmt: skip


def test_the_crossover_is_told_with_titles_and_not_with_the_names_of_the_run(seen):
    assert ratios.crossover(seen(crossover=CROSSING)) == (
        "The order of Model as a service and Embedded in response p50 changes above 12 and below 28 predictions "
        "per second."
    )


def test_an_unknown_crossover_is_not_told(seen):
    assert ratios.crossover(seen(crossover=replace(CROSSING, low=None, high=None, words="nobody knows"))) == ""
    assert ratios.crossover(seen(crossover=None)) == ""
