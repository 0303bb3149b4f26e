from reports import captions, runfolder, view


def seen(folder):
    return view.build(runfolder.read(folder))


def test_medians_beside_the_raw_limit_at_both_paces(build, rows):
    table = rows(("embedded",))
    words = captions.percentiles(seen(build(variants=("embedded",), rows=table)), claims=True)
    assert words.replace("\N{NO-BREAK SPACE}", " ") == (
        "The median prediction took 26.0 ms in Embedded, "
        "with a raw limit of 24.0 ms (20.0 ms where the core never rests)."
    )


def test_the_largest_stage_is_named(build):
    words = captions.stages(seen(build()), claims=True)
    assert "infer in Embedded" in words
    assert "db in Model in the database" in words


def test_the_tail_is_told_as_a_multiple_of_the_median(build):
    assert "times the median in Embedded" in captions.curve(seen(build()), claims=True)


def test_nothing_is_said_where_nothing_may_be_claimed(build):
    run = seen(build(profile="smoke"))
    for caption in (captions.percentiles, captions.stages, captions.curve):
        words = caption(run, claims=False)
        assert words.startswith("An illustration, not a finding")
        assert "Embedded" not in words
