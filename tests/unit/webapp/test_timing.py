from threading import Thread

from webapp import timing


def test_the_stages_and_the_rest_sum_to_the_whole() -> None:
    header = timing.server_timing({"db": 0.001, "infer": 0.015}, 0.020)
    assert header == "app;dur=4.000, db;dur=1.000, infer;dur=15.000"


def test_a_stage_entered_twice_adds_up_and_others_requests_do_not_see_it() -> None:
    stages = timing.begin()
    timing.record("db", 1.0)
    other = Thread(target=lambda: timing.record("db", 100.0))
    other.start()
    other.join()
    timing.record("db", 0.5)
    assert stages == {"db": 1.5}
