from reports.latency import loads
from runfile.facts import Step, Trial
from tests.unit.reports.simulated import row


def climbing(name, *steps):
    """One trial of a variant: its rates with the shares of its capacity that they are."""
    found = tuple(Step(n, n * 2.0, 2.0, rate, share, variant=name) for n, (rate, share) in enumerate(steps))
    return Trial(1, 1, name, steps=found)


def medians(**rates):
    return [row(name, "prediction", "response_p50", 5, rate=rate) for name, each in rates.items() for rate in each]


def test_a_rate_that_all_had_is_a_load_and_then_a_share_that_all_had(seen):
    found = loads.loads(seen())
    assert [load.title for load in found] == [
        "4 per second", "0.5 x own capacity", "1 x own capacity", "2 x own capacity",
    ]  # fmt: skip
    assert found[1].rates == {"embedded": 17.0, "model_in_db": 200.0, "model_as_service": 30.0}


def test_rates_that_not_all_had_stand_alone(seen):
    trials = (climbing("a", (4, 0.1), (40, 1)), climbing("b", (4, 0.01), (40, 0.1), (400, 1)))
    found = loads.loads(seen(names=("a", "b"), rows=medians(a=(4, 40), b=(4, 40, 400)), trials=trials))
    assert [(load.title, len(load.rates)) for load in found] == [
        ("4 per second", 2), ("40 per second", 2), ("400 per second", 1),
    ]  # fmt: skip


def test_shares_stand_beside_each_other_where_one_variant_climbed_other_steps(seen):
    trials = (
        climbing("a", (4, 0.1), (40, 1), (80, 2)), climbing("b", (4, 0.01), (400, 1), (800, 2)),
        climbing("c", (4, 0.05), (72, 0.9), (80, 1)),
    )  # fmt: skip
    rows = medians(a=(4, 40, 80), b=(4, 400, 800), c=(4, 72, 80))
    found = loads.loads(seen(names=("a", "b", "c"), rows=rows, trials=trials))
    assert {load.title: load.rates for load in found} == {
        "4 per second": {"a": 4, "b": 4, "c": 4}, "1 x own capacity": {"a": 40, "b": 400, "c": 80},
        "72 per second": {"c": 72}, "2 x own capacity": {"a": 80, "b": 800},
    }  # fmt: skip
    assert loads.topmost(seen(names=("a", "b", "c"), rows=rows, trials=trials)).rates == {"a": 40, "b": 400, "c": 80}


def test_who_climbed_nothing_hides_no_share_of_the_others(seen):
    trials = (climbing("a", (4, 0.1), (40, 1)), climbing("b", (4, 0.01), (400, 1)))
    found = loads.loads(seen(names=("a", "b", "c"), rows=medians(a=(4, 40), b=(4, 400), c=(4,)), trials=trials))
    assert [(load.title, len(load.rates)) for load in found] == [("4 per second", 3), ("1 x own capacity", 2)]


def test_common_rates_are_those_that_all_were_offered(seen):
    assert loads.common(seen(names=("a", "b", "c"), rows=medians(a=(4, 8), b=(8,)))) == [8]


def test_the_topmost_load_is_about_the_same_multiple_for_all(seen):
    trials = (climbing("a", (5, 0.5), (20, 2)), climbing("b", (40, 0.49), (160, 1.97), (400, 5)))
    rows = medians(a=(5, 20), b=(40, 160, 400))
    assert loads.topmost(seen(names=("a", "b"), rows=rows, trials=trials)).rates == {"a": 20, "b": 160}


def test_without_capacities_it_is_the_highest_rate_of_each(seen):
    found = loads.topmost(seen(names=("a", "b"), rows=medians(a=(5, 20), b=(40,)), trials=()))
    assert (found.title, found.rates) == ("their highest rates", {"a": 20, "b": 40})
