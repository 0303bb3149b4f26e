from reports import ratios
from tests.unit.reports.staircase import ratio


def test_every_ratio_has_the_noise_floor_beside_it(build, seen):
    main, rest = ratios.lines(seen(build.staircase()))
    assert [line.title for line in main[:2]] == ["Model as a service / Embedded"] * 2
    assert {line.floor for line in (*main, *rest)} == {"±4.0\N{NO-BREAK SPACE}%"}
    assert [line.claim for line in main] == [True, False, True, False]
    assert main[3].value == "withheld"
    assert [line.about for line in rest] == ["Photo metadata, response p50"]


def test_without_a_noise_floor_no_ratio_is_a_claim(build, seen):
    found = seen(build.staircase(noise_floor=[]))
    main, _ = ratios.lines(found)
    assert not any(line.claim for line in main)
    assert {line.floor for line in main} == {"not measured"}
    assert ratios.floor_sentence(found) == "Noise floor not measured: no ratio below is a claim."
    assert ratios.floor_note(found) == "noise floor not measured"


def test_an_arm_is_compared_with_nothing(build, seen):
    entries = [ratio("embedded again", "embedded", 4.0, 1.01, 0.97, 1.05, claim=True)]
    assert ratios.lines(seen(build.staircase(ratios=entries))) == ([], [])


def test_the_noise_floor_is_told_in_every_metric(build, seen):
    words = ratios.floor_sentence(seen(build.staircase())).replace("\N{NO-BREAK SPACE}", " ")
    assert words == (
        "Noise floor: ±4.0 % in response p50 (ratio 1.01 [0.97, 1.05]) and ±9.0 % in response p95 (ratio 1.01 "
        "[0.97, 1.05]), from measuring Embedded twice in 6 blocks. No smaller effect is claimed."
    )


def test_the_crossover_is_told_in_the_words_of_the_run_or_in_ours(build, seen):
    entry = {"left": "model_as_service", "right": "embedded", "metric": "response_p50", "low": 12.0, "high": 28.0}
    assert ratios.crossover(seen(build.staircase(crossover={**entry, "words": "it crosses"}))) == "It crosses."
    assert ratios.crossover(seen(build.staircase(crossover=entry))) == (
        "The order of Model as a service and Embedded in response p50 changes above 12 and below 28 predictions "
        "per second."
    )


def test_an_unknown_crossover_is_not_told(build, seen):
    entry = {"left": "model_as_service", "right": "embedded", "low": None, "high": None, "words": "nobody knows"}
    assert ratios.crossover(seen(build.staircase(crossover=entry))) == ""
    assert ratios.crossover(seen(build.staircase(crossover=None))) == ""
