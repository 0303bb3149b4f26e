from reports.__main__ import main


def test_the_path_of_the_page_is_printed(build, capsys):
    folder = build()
    assert main([str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder / 'report.html'}\n"


def test_a_refusal_is_one_plain_line(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "not a run folder" in error
    assert "Traceback" not in error


def test_usage(capsys):
    assert main([]) == 2
    assert main(["--help"]) == 2
    assert "usage" in capsys.readouterr().err
