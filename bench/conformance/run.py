"""`sweetspot conformance URL` from beginning to end: find the model, ask every check, print, and the exit code."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.conformance import binary, errors, extensions, health, inference, table
from bench.conformance.checks import EXTENSIONS, Check, Result, Verdict, load
from bench.conformance.client import Client, Missed, NoAnswer, NotOffered
from bench.conformance.inputs import small_photo
from bench.conformance.subject import Subject, path_of
from bench.exits import Exit, StackFailed, UsageProblem, write
from runfile.files import content as read

MOST_BYTES = 64 * 2**20  # of --bytes: what a request may have
SCHEMA = "sweetspot.conformance/1"
SECONDS = 10.0  # for one request; a first inference may be slow
SILENT = 3  # checks without an answer, one after the other, after which nothing more is asked
HTTP_NOT_FOUND = 404


def conformance(url: str, model: str | None, version: str | None, content: Path | None, out: Path | None) -> Exit:
    """Check a server and print what was found. Raises StackFailed if it is not there, UsageProblem."""
    subject = meet(Client(url, seconds=SECONDS), model, version, content)
    results = ask_all(subject)
    table.show(subject, results)
    code = exit_code(subject, results)
    if out is not None:
        save(out, subject, results, code)
    return code


def meet(client: Client, model: str | None, version: str | None, content: Path | None) -> Subject:
    """Find out what serves there. Raises StackFailed, UsageProblem."""
    try:
        client.get(health.LIVE)
    except NoAnswer as error:
        raise StackFailed(f"{client.url} cannot be reached: {error}; is the server running?") from error
    name = model or first_model(client)
    path = path_of(name, version, "")
    if gone(client, path) and gone(client, f"{path}/ready"):
        named = name if version is None else f"{name} version {version}"
        raise UsageProblem(f"{client.url} has no model {named}; name another one with --model or --version")
    try:
        example = small_photo() if content is None else read(content, MOST_BYTES)
    except OSError as error:
        raise UsageProblem(f"cannot read {content}: {error.strerror}; choose another --bytes") from error
    return Subject(client, name, version, example, metadata(client, "/v2"), metadata(client, path))


def first_model(client: Client) -> str:
    """Return the first model of the repository's index that is ready. Raises UsageProblem."""
    try:
        entries = client.post(extensions.INDEX, b"{}").json()
        found = [entry for entry in entries if entry.get("state", "READY") == "READY"]
        return str(found[0]["name"])
    except (Missed, TypeError, AttributeError, LookupError) as error:
        raise UsageProblem(f"{client.url} does not tell which models it has; name one with --model") from error


def gone(client: Client, path: str) -> bool:
    """Whether a path does not exist."""
    try:
        return client.get(path).status == HTTP_NOT_FOUND
    except NoAnswer:
        return False


def metadata(client: Client, path: str) -> dict[str, Any]:
    """Return the object at a path; nothing where there is none: a check will say so."""
    try:
        return client.get(path).object()
    except Missed:
        return {}


def every_check() -> list[Check]:
    """Return what there is to ask, in order."""
    asks = {**health.ASKS, **inference.ASKS, **errors.ASKS, **binary.ASKS, **extensions.ASKS}
    return load(asks, wrong={**errors.WRONG, **binary.WRONG, **extensions.WRONG})


def ask_all(subject: Subject) -> list[Result]:
    """Ask every check in order, and give up on a server that has gone silent.

    Nobody must have an extension that it does not advertise; whoever has one all the same, passes. A refusal says
    nothing about it unless a check of the extension has passed before.
    """
    results: list[Result] = []
    silent = 0
    for check in every_check():
        optional = check.level == "extension" and not subject.advertises(check.group)
        works = any(each.group == check.group and each.verdict == "pass" for each in results)
        verdict: Verdict
        if silent == SILENT:
            verdict, seen = "fail", "not asked: the server had stopped answering"
        elif check.refusal and optional and not works:
            verdict, seen = "not offered", "not advertised"
        else:
            verdict, seen, answered = ask(subject, check, optional=optional)
            silent = 0 if answered else silent + 1
        line = " ".join(seen.split())
        results.append(Result(check.id, check.group, check.level, check.asked, check.place, verdict, line))
    return results


def ask(subject: Subject, check: Check, *, optional: bool) -> tuple[Verdict, str, bool]:
    """Ask one check: verdict, what was seen, and whether an answer came at all."""
    prefix = "not advertised: " if optional else ""
    try:
        return "pass", prefix + check.ask(subject), True
    except NotOffered as why:
        return "not offered", prefix + str(why), True
    except Missed as why:
        return "not offered" if optional else "fail", prefix + str(why), not isinstance(why, NoAnswer)


def exit_code(subject: Subject, results: Sequence[Result]) -> Exit:
    """Return what the shell gets: what is required and what is advertised must be right."""
    needed = [each for each in results if each.level == "required" or subject.advertises(each.group)]
    return Exit.THRESHOLD_MISSED if any(each.verdict == "fail" for each in needed) else Exit.OK


def save(out: Path, subject: Subject, results: Sequence[Result], code: Exit) -> None:
    """Write everything as JSON. Raises UsageProblem."""
    facts = {
        "schema": SCHEMA,
        "url": subject.client.url,
        "model": subject.model,
        "version": subject.version,
        "server": subject.server,
        "metadata": subject.metadata,
        "advertised": [extension for extension in EXTENSIONS if subject.advertises(extension)],
        "checks": [asdict(each) for each in results],
        "exit_code": int(code),
    }
    write(out, json.dumps(facts, indent=2) + "\n", "--json")
