"""
Who can read what whom has written: the table in README.md, made by doing it.

Every writer plays the same steps, those that SPEC.md shows and a writer has to accept, and every reader
reads what that left. A cell says of how many experiments everything was given. ``make matrix`` writes the
table, and ``python -m conformance.matrix --check`` says whether that is what comes out here. What cannot
run on this machine keeps the cells that it has.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from lab_workbook_conformance import answers, comparison, notation, plays
from lab_workbook_conformance.bench import Bench, Unsupported
from lab_workbook_conformance.levels import given
from lab_workbook_conformance.levels.examples import CLOSE, examples

from conformance.programs import PROGRAMS, Program

_HERE = Path(__file__).resolve().parent
README = _HERE.parent / "README.md"
_GOLD = _HERE / "gold"
_BEGIN, _END = "<!-- matrix: written by `make matrix` -->\n", "<!-- end of the matrix -->\n"
_STALE = "README.md does not say who reads whom today: run `make matrix`, and commit what it writes"

# Of lupa's Luas, those that nobody has as a program of its own.
_OF_LUPA = ("LuaJIT 2.0, in lupa", "Lua 5.5, in lupa")
_WRITERS = tuple(each for each in PROGRAMS if "lupa" not in each.name or each.name in _OF_LUPA)
_OLD = "the program of 2016"
_PANDAS = "pandas alone, as in 2016"
_READERS = {"Python": "our reader", "JavaScript": "JavaScript"}
_COLUMNS = ("our reader", _PANDAS, "JavaScript")
_ROWS = (*(each.name for each in _WRITERS), _OLD)

# Half a thousand lists in lists take some frames of the stack each.
sys.setrecursionlimit(10_000)

Files = Mapping[str, bytes]
Sights = Mapping[str, dict[str, Any]]
Cells = dict[tuple[str, str], str]


class Right(NamedTuple):
    """What a reader has to give for an artifact; of rows that are not exact, the fields and their number."""

    member: str
    value: Any
    is_exact: bool = True


class Experiment(NamedTuple):
    """What a writer has left; nothing right where it is not what the steps gave."""

    tag: str
    files: Files
    rights: Mapping[str, Right] | None


class Reader(NamedTuple):
    """What gives the artifacts of an experiment, in the words of ADAPTER.md."""

    look: Callable[[Experiment], Sights]
    integers: bool = True
    is_exact: bool = True


def cells() -> Cells:
    """Let everything that is here write and read, and return the cells that come of it."""
    found: Cells = {}
    with ExitStack() as stack:
        readers = dict(_readers(stack))
        for name, experiments in _writers(stack):
            for column, reader in readers.items():
                whole = sum(_is_given(each, reader) for each in experiments)
                found[name, column] = f"{whole} of {len(experiments)}"
    return found


def _writers(stack: ExitStack) -> Iterator[tuple[str, list[Experiment]]]:
    for program in _here(_WRITERS):
        yield program.name, list(_played(stack.enter_context(Bench(program.command))))
    yield _OLD, list(_gold())


def _readers(stack: ExitStack) -> Iterator[tuple[str, Reader]]:
    yield _PANDAS, Reader(_as_in_2016, is_exact=False)
    for program in _here(PROGRAMS):
        if program.name in _READERS:
            bench = stack.enter_context(Bench(program.command))
            yield _READERS[program.name], Reader(_asker(bench), bench.integers)


def _here(programs: tuple[Program, ...]) -> list[Program]:
    return [each for each in programs if each.is_here]


# Who writes.


def _played(bench: Bench) -> Iterator[Experiment]:
    """Yield an experiment for each play that this writer can play."""
    for example in examples():
        if example.subject == "steps" and example.accepts:
            with suppress(Unsupported):
                yield _recorded(bench, example.steps)


def _recorded(bench: Bench, steps: list[Any]) -> Experiment:
    found = bench.record([*steps, CLOSE])
    lost = plays.broken_by(notation.value(steps), found.files, integers=bench.integers)
    own = {name: data for name, data in found.files.items() if answers.is_listed(name)}
    rights = {name: _right(name, data) for name, data in own.items()}
    return Experiment(found.tag, found.files, rights if found.is_done and not lost else None)


def _right(name: str, data: bytes) -> Right:
    kind = answers.kind(name)
    if kind == "series":
        return Right("rows", given.table(data.decode()))
    return Right("value", json.loads(data)) if kind == "json" else Right("bytes", data.hex())


def _gold() -> Iterator[Experiment]:
    """Yield the experiments of 1.0 that a folder can hold, with what their own reader gave."""
    for path in sorted(_GOLD.glob("*/case.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        tag = case["experiment_prefix"].removeprefix(f"cases/{case['id']}/").removesuffix("/")
        # The others have names that lead out of it; a file's name says that they had to be stored elsewhere.
        inside = [each for each in case["objects"] if each["file"] == f"objects/{each['name']}"]
        files = {each["name"]: (path.parent / each["file"]).read_bytes() for each in inside}
        told = case["read"]
        rights = {name: _right_of_2016(name, data, told.get(name, {})) for name, data in files.items()}
        if files:
            yield Experiment(tag, files, {name: right for name, right in rights.items() if right})


def _right_of_2016(name: str, data: bytes, read: Mapping[str, Any]) -> Right | None:
    """Return what the reader of 2016 gave; None where it raised."""
    told: Any = next((value for key, value in read.items() if key.startswith("same_reader_py3")), {})
    if "exception" in told:
        return None
    if told.get("type") != "DataFrame":
        return _right(name, data)
    # It gave a row that was torn by a full disk, too, and an index without a name where rows were too long.
    count = len(told["rows"]) - (not read["ends_with_newline"])
    fields = [field for field in (told["index_name"], *told["columns"]) if field is not None]
    return Right("rows", [fields, *[None] * count], is_exact=False)


# Who reads.


def _asker(bench: Bench) -> Callable[[Experiment], Sights]:
    def look(experiment: Experiment) -> Sights:
        answer, said = bench.read(experiment.files, tag=experiment.tag)
        return said["artifacts"] if answer == "saw" else {}

    return look


def _as_in_2016(experiment: Experiment) -> Sights:
    """Read as the ancestor's reader called pandas."""
    return {name: _sight(name, data) for name, data in experiment.files.items() if answers.is_listed(name)}


def _sight(name: str, data: bytes) -> dict[str, Any]:
    kind = answers.kind(name)
    if kind == "json":
        return {"value": notation.spelled(json.loads(data))} if data else {"error": "it is empty"}
    if kind != "series":
        return {"bytes": data.hex()}
    try:
        table = pd.read_csv(io.BytesIO(data), index_col=0, parse_dates=["Date"], na_values=["nil"])
    except ValueError as error:
        return {"error": str(error)}
    return {"rows": [[table.index.name, *table.columns], *[None] * len(table)]}


def _is_given(experiment: Experiment, reader: Reader) -> bool:
    if experiment.rights is None:
        return False
    sights = reader.look(experiment)
    return all(_is_right(right, sights.get(name, {}), reader) for name, right in experiment.rights.items())


def _is_right(right: Right, sight: dict[str, Any], reader: Reader) -> bool:
    if right.member not in sight:
        return False
    value = notation.value(sight[right.member])
    if right.member == "rows" and not (right.is_exact and reader.is_exact):
        return set(right.value[0]) <= set(value[0]) and len(right.value) == len(value)
    if right.member == "rows":
        value = given.with_holes(right.value, value)
    return comparison.is_same(right.value, value, integers=reader.integers)


# The table.


def render(found: Cells) -> str:
    """Return the table; a cell that is not known is empty."""
    lines = [f"| written by | {' | '.join(_COLUMNS)} |", f"| --- |{' --- |' * len(_COLUMNS)}"]
    for row in _ROWS:
        known = [found.get((row, column), "") for column in _COLUMNS]
        lines += [f"| {row} | {' | '.join(known)} |"]
    return "".join(f"{line}\n" for line in lines)


def parse(table: str) -> Cells:
    """Return the cells of a table."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    header, *rows = [line for line in lines if line[0] != "---"] or [[""]]
    return {(row[0], column): cell for row in rows for column, cell in zip(header[1:], row[1:], strict=True)}


def table_of(text: str) -> str:
    """Return the table in a README."""
    return text.partition(_BEGIN)[2].partition(_END)[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table, or check it; return 1 where it is not what comes out here."""
    parser = argparse.ArgumentParser(description="Let every writer and reader here meet.")
    parser.add_argument("--check", action="store_true", help="only say whether the table is up to date")
    is_check = parser.parse_args(arguments).check
    text = README.read_text(encoding="utf-8")
    known, found = parse(table_of(text)), cells()
    for row in _ROWS:
        if not any(writer == row for writer, _ in found):
            sys.stdout.write(f"not here, so its cells stay as they are: {row}\n")
    made = render({**known, **found})
    if is_check and made != table_of(text):
        sys.stderr.write(f"{_STALE}\n{made}")
        return 1
    if not is_check:
        before, _, rest = text.partition(_BEGIN)
        README.write_text(f"{before}{_BEGIN}{made}{_END}{rest.partition(_END)[2]}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
