"""Models and versions: what is loaded, what stays when a load fails, and what a file can do to the server: nothing."""

import asyncio
import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from model_as_service.server import repository as module
from model_as_service.server.refused import Refused
from model_as_service.server.repository import Repository, Version, prove
from tests.processes import wait_for
from tests.unit.model_as_service.server.fakes import FakeModel, loaded
from tests.unit.model_as_service.server.served import options
from vision.errors import ModelError

NAME = "no-op"


@pytest.fixture
def folder(tmp_path: Path, models: Path) -> Path:
    """A repository with the smallest of the models, which may be damaged."""
    shutil.copytree(models / NAME, tmp_path / NAME)
    return tmp_path


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Versions 1, 2 and 10 of a model that loads at once; `broken` on disk makes one fail."""
    for number in ("2", "10", "1"):
        (tmp_path / "fake" / number).mkdir(parents=True)
        (tmp_path / "fake" / number / "model.toml").touch()

    async def prove_fake(options: object, name: str, number: str) -> None:
        await asyncio.sleep(0)
        if (tmp_path / name / number / "broken").exists():
            raise ModelError(f"{name} {number} was refused: it is broken")

    monkeypatch.setattr(module, "prove", prove_fake)
    monkeypatch.setattr(Repository, "_load", lambda _self, name, number: loaded(FakeModel(name, number)))
    return tmp_path


def served(repository: Repository, name: str = "fake") -> list[str]:
    return repository.numbers(name)


async def refusal(repository: Repository, name: str, *numbers: str) -> str:
    with pytest.raises((ModelError, Refused)) as error:
        await repository.load(name, numbers)
    return str(error.value)


def test_the_first_version_is_that_of_the_live_file_or_of_the_options(fakes: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        repository = Repository(options(models=fakes, version="2"))
        assert not repository.ready
        repository.load_first()
        assert (repository.ready, served(repository)) == (True, ["2"])
        live = tmp_path / "live"
        live.write_text("1\n")
        repository = Repository(options(models=fakes, live=live, version="10"))
        repository.load_first()
        assert served(repository) == ["1"]
        live.write_text("2\n")
        await repository.load_live()
        assert served(repository) == ["2"]
        live.write_text("nonsense\n")
        with pytest.raises(ModelError):
            await repository.load_live()
        assert served(repository) == ["2"], "what was there stays"

    asyncio.run(scenario())


BROKEN_LIVE = {
    "junk": b"\xff",
    "empty": b"",
    "unknown": b"9\n",
    "a path": b"../1\n",
    "does not load": b"2\n",
    "gone": None,
}


@pytest.mark.parametrize("what", BROKEN_LIVE)
def test_where_the_live_version_cannot_be_had_the_one_before_is_served(
    fakes: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    (fakes / "fake" / "2" / "broken").touch()
    content, live = BROKEN_LIVE[what], tmp_path / "live"
    if content is not None:
        live.write_bytes(content)
    repository = Repository(options(models=fakes, live=live))
    asyncio.run(repository.load_after("1"))
    assert served(repository) == ["1"]
    assert "version 1 is served as before: " in caplog.text


def test_a_live_version_that_can_be_had_is_served_and_not_the_one_before(fakes: Path, tmp_path: Path) -> None:
    (tmp_path / "live").write_text("2\n")
    for before in ("1", "2", "gone"):
        repository = Repository(options(models=fakes, live=tmp_path / "live"))
        asyncio.run(repository.load_after(before))
        assert served(repository) == ["2"]


def test_a_live_version_that_hangs_is_not_waited_for_until_the_keeper_loses_patience(
    fakes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "prove", hang)
    (tmp_path / "live").write_text("2\n")
    repository = Repository(options(models=fakes, live=tmp_path / "live", ready_within_s=0.1))
    asyncio.run(repository.load_after("1"))
    assert served(repository) == ["1"]


def test_the_newest_is_loaded_where_none_is_named(fakes: Path) -> None:
    async def scenario() -> None:
        repository = Repository(options(models=fakes))
        await repository.load("fake")
        assert served(repository) == ["10"], "as numbers, not as text"

    asyncio.run(scenario())


def test_the_last_of_several_is_the_default_and_what_is_loaded_stays_as_it_is(fakes: Path) -> None:
    async def scenario() -> None:
        repository = Repository(options(models=fakes))
        await repository.load("fake", ["1", "2"])
        first = repository.find("fake", "1")
        assert repository.find("fake").number == "2"
        await repository.load("fake", ["10", "1"])
        assert served(repository) == ["10", "1"]
        assert repository.find("fake") is first
        assert [version.number for version in repository.served] == ["10", "1"]
        with pytest.raises(Refused, match="no model fake version 2") as refused:
            repository.find("fake", "2")
        assert refused.value.status == 404

    asyncio.run(scenario())


def test_a_failed_load_leaves_all_as_it_was_and_says_why(fakes: Path) -> None:
    async def scenario() -> None:
        repository = Repository(options(models=fakes))
        await repository.load("fake", ["1"])
        (fakes / "fake" / "10" / "broken").touch()
        assert "it is broken" in await refusal(repository, "fake", "2", "10")
        assert served(repository) == ["1"], "not the good one of the two either"
        states = {entry["version"]: (entry["state"], entry["reason"]) for entry in repository.index()}
        assert states == {
            "1": ("READY", ""),
            "2": ("UNAVAILABLE", ""),
            "10": ("UNAVAILABLE", "fake 10 was refused: it is broken"),
        }
        (fakes / "fake" / "10" / "broken").unlink()
        await repository.load("fake", ["10"])
        assert repository.index()[-1] == {"name": "fake", "version": "10", "state": "READY", "reason": ""}

    asyncio.run(scenario())


def test_an_unloaded_model_is_gone(fakes: Path) -> None:
    async def scenario() -> None:
        repository = Repository(options(models=fakes))
        await repository.load("fake", ["1", "2"])
        await repository.unload("fake")
        assert (repository.ready, served(repository), list(repository.served)) == (False, [], [])
        with pytest.raises(Refused, match="no model fake") as unloaded:
            await repository.unload("fake")
        with pytest.raises(Refused, match="no model fake") as found:
            repository.find("fake")
        assert unloaded.value.status == found.value.status == 404

    asyncio.run(scenario())


def test_what_is_not_there_cannot_be_loaded_and_is_not_remembered(fakes: Path) -> None:
    async def scenario() -> None:
        repository = Repository(options(models=fakes))
        assert await refusal(repository, "other") == "there is no model other in the repository"
        assert await refusal(repository, "fake", "7") == "there is no version 7 of fake in the repository"
        assert repository._reasons == {}, "names come over the network, and never end"

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["", ".", "..", "../fake", "fake/1", "/etc", "a\0b", "a\nb", "-x", "é", "x" * 65])
def test_a_name_is_never_a_path(fakes: Path, name: str) -> None:
    async def scenario() -> None:
        repository = Repository(options(models=fakes / "fake"))
        for numbers in ([], ["1"]):
            assert "is no name of a model" in await refusal(repository, name, *numbers)

    asyncio.run(scenario())


def test_the_index_is_in_order_and_lists_models_only(fakes: Path) -> None:
    async def scenario() -> None:
        for other in ("another/1", ".cache/1", "empty"):
            (fakes / other).mkdir(parents=True)
        for other in ("another/1", ".cache/1"):
            (fakes / other / "model.toml").touch()
        (fakes / "README.md").touch()
        repository = Repository(options(models=fakes))
        await repository.load("fake", ["1"])
        shutil.rmtree(fakes / "fake" / "1")  # loaded, though no longer on disk
        found = [(entry["name"], entry["version"], entry["state"]) for entry in repository.index()]
        assert found == [
            ("another", "1", "UNAVAILABLE"),
            ("fake", "1", "READY"),
            ("fake", "2", "UNAVAILABLE"),
            ("fake", "10", "UNAVAILABLE"),
        ]

    asyncio.run(scenario())


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "a file"])
def test_without_a_folder_the_index_lists_what_is_loaded(fakes: Path, *, gone: bool) -> None:
    async def scenario() -> None:
        models = fakes / "fake"
        repository = Repository(options(models=models if gone else models / "file"))
        repository._served["fake"] = {"1": loaded(FakeModel("fake", "1"))}
        shutil.rmtree(models) if gone else shutil.copy(__file__, models / "file")
        assert repository.index() == [{"name": "fake", "version": "1", "state": "READY", "reason": ""}]
        assert await refusal(repository, "fake", "2") == "there is no version 2 of fake in the repository"
        assert await refusal(repository, "fake") == "there is no model fake in the repository"
        assert served(repository) == ["1"]

    asyncio.run(scenario())


def test_folders_with_names_that_we_cannot_use_are_not_listed(fakes: Path) -> None:
    async def scenario() -> None:
        repository = Repository(options(models=fakes))
        before = repository.index()
        for name in (b"\xff\xfe", b"a b", b"x\n", b".x", "é".encode()):
            for place in (os.fsencode(fakes), os.fsencode(fakes / "fake")):
                with suppress(OSError):  # some systems do not take such names
                    os.mkdir(os.path.join(place, name))  # noqa: PTH102, PTH118  (no Path has such a name)
                    shutil.copy(os.fsencode(fakes / "fake" / "1" / "model.toml"), os.path.join(place, name))  # noqa: PTH118
        assert repository.index() == before
        assert orjson.dumps(repository.index())

    asyncio.run(scenario())


def test_a_version_that_is_wished_for_many_times_is_loaded_once(fakes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        proved: list[str] = []

        async def prove_and_count(_options: object, _name: str, number: str) -> None:
            proved.append(number)

        monkeypatch.setattr(module, "prove", prove_and_count)
        repository = Repository(options(models=fakes))
        await repository.load("fake", ["2", "1", "2"] * 100)
        assert (proved, served(repository)) == (["2", "1"], ["2", "1"])

    asyncio.run(scenario())


def test_of_two_loads_the_later_one_has_the_last_word(fakes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        slow = asyncio.Event()

        async def prove_slowly(options: object, name: str, number: str) -> None:
            if number == "1":
                await slow.wait()

        monkeypatch.setattr(module, "prove", prove_slowly)
        repository = Repository(options(models=fakes))
        first = asyncio.create_task(repository.load("fake", ["1"]))
        await asyncio.sleep(0)
        second = asyncio.create_task(repository.load("fake", ["2"]))
        await asyncio.sleep(0)
        slow.set()
        await asyncio.gather(first, second)
        assert served(repository) == ["2"]

    asyncio.run(scenario())


@pytest.mark.parametrize(("behind", "left"), [([], []), (["2"], ["2"])])
def test_an_unload_that_comes_during_a_load_is_not_undone_by_it(
    fakes: Path, monkeypatch: pytest.MonkeyPatch, behind: list[str], left: list[str]
) -> None:
    async def scenario() -> None:
        begun, proved = asyncio.Event(), asyncio.Event()
        repository = Repository(options(models=fakes))
        await repository.load("fake", ["1"])

        async def prove_slowly(options: object, name: str, number: str) -> None:
            begun.set()
            await proved.wait()

        monkeypatch.setattr(module, "prove", prove_slowly)
        changes = [asyncio.create_task(repository.load("fake", ["10"]))]
        await begun.wait()
        changes.append(asyncio.create_task(repository.unload("fake")))
        changes += [asyncio.create_task(repository.load("fake", [number])) for number in behind]
        await asyncio.sleep(0)
        assert repository.find("fake").number == "1", "who only asks waits for nothing"
        proved.set()
        await asyncio.gather(*changes)
        assert served(repository) == left

    asyncio.run(asyncio.wait_for(scenario(), 10))


def test_a_real_model_is_proved_loaded_and_measured(folder: Path) -> None:
    async def scenario() -> None:
        repository = Repository(options(models=folder, device="cpu", sizes=(1, 2)))
        await repository.load(NAME)
        version = repository.find(NAME)
        assert isinstance(version, Version)
        assert (version.name, version.number, version.costs.sizes) == (NAME, "1", (1, 2))
        assert 0 < version.costs.expected(1) < version.load_s

    asyncio.run(scenario())


def replace_graph(folder: Path, content: bytes) -> None:
    """Put another file in the place of the model, and a manifest beside it that says that it is the one."""
    place = folder / NAME / "1"
    before = hashlib.sha256((place / "model.onnx").read_bytes()).hexdigest()
    (place / "model.onnx").write_bytes(content)
    manifest = (place / "model.toml").read_text()
    assert before in manifest
    (place / "model.toml").write_text(manifest.replace(before, hashlib.sha256(content).hexdigest()))


def test_a_file_that_is_no_model_is_refused_in_words(folder: Path) -> None:
    replace_graph(folder, b"no graph at all")
    words = asyncio.run(refusal(Repository(options(models=folder, device="cpu")), NAME, "1"))
    assert words.startswith("no-op 1 was refused: Error: ONNX Runtime cannot load the model")
    assert "\n" not in words


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have models proved by a script."""

    def become(script: str) -> None:
        path = tmp_path / "child"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(path))

    return become


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("kill -SEGV $$", "no-op 1 was refused: it crashed with signal 11"),
        ("kill -KILL $$", "no-op 1 was refused: it crashed with signal 9"),
        ("echo first >&2; echo last >&2; exit 3", "no-op 1 was refused: last"),
        (r"printf '\377' >&2; exit 1", "no-op 1 was refused: \N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_file_that_kills_the_child_is_refused_in_words(
    folder: Path, child: Callable[[str], None], script: str, words: str
) -> None:
    async def scenario() -> None:
        repository = Repository(options(models=folder))
        assert await refusal(repository, NAME, "1") == words
        [entry] = repository.index()
        assert (entry["state"], entry["reason"]) == ("UNAVAILABLE", words)

    child(script)
    asyncio.run(scenario())


def test_a_child_that_does_not_end_is_ended(
    folder: Path, child: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child(f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; exec sleep 60")
    monkeypatch.setattr(module, "PROOF_S", 0.5)
    with pytest.raises(ModelError, match="did not answer within"):
        asyncio.run(prove(options(models=folder), NAME, "1"))
    with suppress(FileNotFoundError):  # on a machine so slow that it had not begun
        pid = int((tmp_path / "pid").read_text())

        def gone() -> None:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)

        wait_for(gone)


def test_a_proof_that_cannot_be_started_now_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_process(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(asyncio, "create_subprocess_exec", no_process)
    with pytest.raises(ModelError, match=r"no process can be started \(Resource temporarily unavailable\)"):
        asyncio.run(prove(options(models=folder), NAME, "1"))
