import pytest

from reports import ReportError, runfolder


def test_a_finished_run_is_read_as_a_whole(build):
    folder = runfolder.read(build())
    assert folder.absent == {}
    assert folder.present == ("run.json", "requests.parquet", "results.csv")
    assert len(folder.curves) == 3


@pytest.mark.parametrize("name", ["results.csv", "requests.parquet"])
def test_a_finished_run_must_have_its_files(build, name):
    with pytest.raises(ReportError, match=f"{name} is missing"):
        runfolder.read(build(without=(name,)))


@pytest.mark.parametrize("name", ["results.csv", "requests.parquet"])
def test_a_finished_run_with_a_damaged_file_is_refused(build, name):
    folder = build()
    (folder / name).write_bytes(b"\xff\xff")
    with pytest.raises(ReportError, match=f"{name} is damaged"):
        runfolder.read(folder)


@pytest.mark.parametrize("state", ["running", "interrupted", "failed"])
def test_a_run_that_died_is_read_as_far_as_it_got(build, state):
    folder = build(state=state, without=("results.csv",))
    (folder / "requests.parquet").write_bytes(b"PAR1 and then the power went")
    found = runfolder.read(folder)
    assert found.results is None
    assert found.curves == ()
    assert found.absent["results.csv"] == "results.csv was not written."
    assert "damaged" in found.absent["requests.parquet"]
    assert str(folder) not in found.absent["requests.parquet"]


def test_the_last_events_are_told_and_half_a_line_is_passed_over(build):
    folder = build(state="failed")
    (folder / "events.jsonl").write_text('{"t": "T1", "event": "stack started", "variant": "embedded"}\n[1]\n{"t": "T2')
    assert runfolder.read(folder).last_events == ("T1 stack started: variant embedded",)


def test_a_file_is_no_run_folder(tmp_path):
    with pytest.raises(ReportError, match="not a folder"):
        runfolder.read(tmp_path / "nothing")
