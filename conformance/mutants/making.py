"""Which mutants there are, and which of them are tried."""

from __future__ import annotations

import hashlib
import importlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from conformance.mutants import subjects
from conformance.mutants.mutant import ROOT, Mutant, Site, made


class Language(NamedTuple):
    """A writer's language: how its modules are mutated, and which."""

    name: str
    modules: Mapping[str, Mapping[str, str]]

    @property
    def code(self) -> Any:
        """What mutates its modules; of Python's, cosmic-ray is installed by ``make mutants`` alone."""
        return importlib.import_module(f"conformance.mutants.{self.name}_code")


PYTHON = Language("python", subjects.PYTHON)
LUA = Language("lua", subjects.LUA)


def sample(
    count: int, seed: int, only: str = "", languages: Sequence[Language] = (PYTHON, LUA)
) -> list[Mutant]:
    """Return so many mutants, as many of each writer; of modules whose path holds ``only``."""
    chosen: list[Mutant] = []
    for index, language in enumerate(languages):
        left = (count - len(chosen)) // (len(languages) - index)
        chosen += _first(left, _shuffled(sites(language, only), seed), language)
    return chosen


def _shuffled(places: Iterable[Site], seed: int) -> list[Site]:
    """
    Return sites in an order of chance.

    Each has its place by what stands on its line, so that another line of a module, or one that is left out
    from now on, does not choose all others anew.
    """
    lines: dict[str, list[str]] = {}
    seen: Counter[str] = Counter()

    def place(site: Site) -> bytes:
        text = lines.setdefault(site.module, source(site.module).splitlines())[site.line - 1]
        name = f"{seed} {site.module} {text.strip()}"
        seen[name] += 1
        return hashlib.sha256(f"{name} {seen[name]}".encode()).digest()

    return sorted(places, key=place)


def sites(language: Language, only: str = "") -> Iterator[Site]:
    """Yield where the modules of a language can be mutated; what is left out is a function, or a line."""
    for module, left_out in language.modules.items():
        if only in module:
            text = source(module)
            lines = [line.strip() for line in text.splitlines()]
            functions = {name: why for name, why in left_out.items() if name not in lines}
            for site in language.code.sites(module, text, functions):
                if lines[site.line - 1] not in left_out:
                    yield site


def source(module: str) -> str:
    """Return the source of a module as it is."""
    return (ROOT / module).read_text(encoding="utf-8")


def _first(count: int, places: Iterable[Site], language: Language) -> list[Mutant]:
    found: dict[str, Mutant] = {}
    for site in places:
        if len(found) == count:
            break
        mutant = made(site, source(site.module), language.code.is_valid)
        if mutant:
            found.setdefault(mutant.source, mutant)
    return list(found.values())


def like(module: str, was: str, becomes: str) -> Mutant | None:
    """Return the mutant that was described so once; None where there is none any more."""
    language = next((each for each in (PYTHON, LUA) if module in each.modules), None)
    if language is None:
        return None
    lines = source(module).splitlines()
    for site in sites(language, module):
        if lines[site.line - 1].strip() in was:
            mutant = made(site, source(module), language.code.is_valid)
            if mutant and (mutant.was, mutant.becomes) == (was, becomes):
                return mutant
    return None
