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


def test_the_topmost_load_is_about_the_same_multiple_for_all(seen):
    trials = (climbing("a", (5, 0.5), (20, 2)), climbing("b", (40, 0.49), (160, 1.97), (400, 5)))
    rows = medians(a=(5, 20), b=(40, 160, 400))
    assert loads.topmost(seen(names=("a", "b"), rows=rows, trials=trials)) == {"a": 20, "b": 160}


def test_without_capacities_it_is_the_highest_rate_of_each(seen):
    assert loads.topmost(seen(names=("a", "b"), rows=medians(a=(5, 20), b=(40,)), trials=())) == {"a": 20, "b": 40}
