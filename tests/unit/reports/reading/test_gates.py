from reports.reading import gates
from tests.unit.reports.simulated import gate

VERDICTS = ("pass", "not judged", "warn", "fail", "pass")
GATES = [gate(f"G{place}", "t", verdict=verdict) for place, verdict in enumerate(VERDICTS)]


def test_the_worst_gates_come_first_and_all_are_counted():
    assert [each.gate for each in gates.worst_first(GATES)] == ["G3", "G2", "G1", "G0", "G4"]
    assert gates.tally(GATES) == "2 passed, 1 passed with a warning, 1 failed, 1 not judged"


def test_no_gates():
    assert gates.tally([]) == "none judged"


def test_a_sign_does_without_colour():
    assert [gates.mark(each)[1] for each in GATES[:4]] == ["✓", "\N{EN DASH}", "!", "✕"]
