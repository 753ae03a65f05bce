"""Scripts in each language whose files are taken away while they run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.vanish.commanded import Commanded

# LuaJIT runs the same code as Lua 5.1, which `make test-faults` tries as well.
LANGUAGES = ("python", "luajit", pytest.param("lua5.1", marks=pytest.mark.soak), "lua5.4")


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """The language of a script."""
    if request.param != "python" and shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


@pytest.fixture
def start(language: str, tmp_path: Path) -> Iterator[Callable[..., Commanded]]:
    """Start a script that records the experiment T below a prefix; it ends with the test."""
    started: list[Commanded] = []

    def start(prefix: str, **settings: object) -> Commanded:
        environment = {f"LAB_WORKBOOK_{name.upper()}": str(value) for name, value in settings.items()}
        started.append(Commanded(language, tmp_path, {"LAB_WORKBOOK_BUCKET_PREFIX": prefix, **environment}))
        return started[-1]

    yield start
    for each in started:
        each.kill()
