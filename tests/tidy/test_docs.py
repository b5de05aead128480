"""What the documents point at is there: files, headings, commands, goals of make."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from regulars.cli import app
from tests.tidy.checkout import ROOT, files, name

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
# A path of the checkout, as prose names it: a folder that there is, and something in it.
_PATH = re.compile(r"(?<![\w/])(?:regulars|docs|tests|bench)/[\w./-]+")
_COMMAND = re.compile(r"(?:^|[\s(|&;/])regulars((?: +[a-z]+)*)((?: +--[a-z-]+)*)")
_GOAL = re.compile(r"\bmake ([a-z-]+)")
_IMAGE_BYTES_MAX = 300_000

DOCUMENTS = [path for path in files(".md") if "generated" not in path.parts]


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose_of(path: Path) -> str:
    return _FENCE.sub("", text_of(path))


def commands_in(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """The words and the options behind each `regulars`, in shell blocks and in code within prose."""
    shell = [block for language, block in _FENCE.findall(text) if language == "sh"]
    lines = [line.partition("#")[0] for block in shell for line in block.splitlines()]
    for code in [*lines, *_CODE.findall(_FENCE.sub("", text))]:
        # An option stands behind its command only up to the first argument: enough to find one that was renamed.
        for words, options in _COMMAND.findall(code):
            yield words.split(), options.split()


def wrong_with(words: list[str], options: list[str]) -> str | None:
    """The first of the words or options that is no command of ours."""
    command = app
    for word in words:
        commands = {known for known in command.resolved_commands() if not known.startswith("-")}
        if word not in commands:
            # What follows a command that has no others is its argument.
            return word if commands else None
        command = command[word]
    known = {"--help", "--version"}
    if command.default_command is not None:
        known |= {flag for argument in command.assemble_argument_collection() for flag in argument.names}
    return next((option for option in options if option not in known), None)


def anchor_of(heading: str) -> str:
    """As code hosts make it of a heading."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for target in _LINK.findall(prose_of(path)):
        if re.match(r"https?://|mailto:", target):
            continue
        file, _, anchor = unquote(target).partition("#")
        found = (path.parent / file).resolve() if file else path
        anchors = {anchor_of(heading) for heading in _HEADING.findall(prose_of(found))} if anchor else {anchor}
        if not found.exists() or anchor not in anchors:
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_paths_in_prose_exist(path: Path) -> None:
    named = {found for code in _CODE.findall(prose_of(path)) for found in _PATH.findall(code)}
    assert [found for found in sorted(named) if not (ROOT / found.rstrip(".")).exists() and "vendor" not in found] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_commands_exist(path: Path) -> None:
    wrong = [
        f"regulars {' '.join(words + options)}: {unknown}"
        for words, options in commands_in(text_of(path))
        if (unknown := wrong_with(words, options))
    ]
    assert wrong == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_goals_of_make_exist(path: Path) -> None:
    goals = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shell = [block for language, block in _FENCE.findall(text_of(path)) if language == "sh"]
    asked = {goal for code in [*shell, *_CODE.findall(prose_of(path))] for goal in _GOAL.findall(code)}
    assert asked - goals == set()


def test_a_document_that_is_wrong_is_noticed() -> None:
    text = "`regulars flee` and `regulars workspace creat --swiftly`\n```sh\n.venv/bin/regulars up --demo # x\n```\n"
    assert [wrong_with(*command) for command in commands_in(text)] == [None, "flee", "creat"]
    assert wrong_with(["up"], ["--demos"]) == "--demos"
    assert wrong_with(["workspace", "create"], ["--json"]) is None


def test_pictures_are_small() -> None:
    assert {name(path) for path in files(".png") if path.stat().st_size > _IMAGE_BYTES_MAX} == set()
