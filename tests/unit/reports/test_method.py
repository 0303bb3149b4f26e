from reports import method


def test_steady_load_is_told_as_before(build, seen):
    said = " ".join(method.sentences(seen(build())))
    assert "The load is open loop, 20 requests per second on average" in said
    assert "2 complete blocks, each trial 20 s long, after 5 s of warm-up" in said
    assert "saturated" not in said


def test_rising_load_names_its_steps_its_bystanders_and_its_arms(build, seen):
    said = " ".join(method.sentences(seen(build.staircase())))
    assert "rises in 5 steps of 3 s: 4, 12, 28, 40 and 80 predictions per second (0.1, 0.3, 0.7, 1 and 2 times" in said
    assert "they are the bystanders" in said
    assert "about the lowest step alone" in said
    assert "embedded again is Embedded once more" in said
    assert "embedded + 10 ms is Embedded with a known change" in said


def test_a_run_that_did_not_say_is_not_made_up(build, seen):
    said = " ".join(method.sentences(seen(build(trials=[]))))
    assert "on average" not in said
    assert "0 complete blocks." in said
