"""
A real Chromium, without a screen, and pages in it that are watched.

A page that says anything on its console, asks for anything but itself or opens a dialog fails its test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lab_workbook
import numpy as np
import pytest
from lab_workbook import Experiment, ExperimentRepository

Open = Callable[..., Any]

_START = np.datetime64("2016-02-12T21:49:00")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's browser, driven by Playwright, which would otherwise download one of its own."""
    playwright = pytest.importorskip("playwright.sync_api", reason="`make test-browser` installs playwright")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium here: sudo apt-get install chromium")
    # Its sandbox refuses to run as root, and the pages are ours.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def look(chromium: Any, tmp_path: Path) -> Iterator[Open]:
    """A function that writes a report on some experiments and opens it, with all charts drawn."""
    said: list[str] = []
    pages = []

    def looked(*experiments: Experiment, dark: bool = False, width: int = 1280) -> Any:
        path = tmp_path / "report.html"
        lab_workbook.report(experiments, path)
        scheme = "dark" if dark else "light"
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        pages.append(page)
        page.on("console", lambda each: said.append(f"console: {each.text}"))
        page.on("pageerror", lambda each: said.append(f"error: {each}"))
        page.on("dialog", lambda each: said.append(f"dialog: {each.message}"))
        page.on("request", lambda each: each.url != path.as_uri() and said.append(f"request: {each.url}"))
        page.goto(path.as_uri())
        page.said = said
        page.evaluate("() => labWorkbook.charts.forEach((chart) => chart.made || chart.make())")
        page.wait_for_function("() => labWorkbook.charts.every((chart) => chart.plot)")
        return page

    yield looked
    for page in pages:
        page.close()
    assert said == []


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Experiment]:
    """A function that makes an experiment of columns: ``record("A", epoch=[1, 2], loss=[0.5, 0.25])``."""
    root = tmp_path / "experiments"

    def recorded(tag: str, series: str = "Training loss.csv", **columns: Any) -> Experiment:
        folder = root / tag
        folder.mkdir(parents=True, exist_ok=True)
        dates = _START + np.arange(len(next(iter(columns.values()))))
        cells = [*(map(_cell, column) for column in columns.values()), (f"{each}Z" for each in dates)]
        rows = [",".join([*columns, "Date"]), *map(",".join, zip(*cells, strict=True))]
        (folder / series).write_text("\n".join(rows) + "\n")
        (folder / ".lab-workbook").mkdir(exist_ok=True)
        (folder / ".lab-workbook/begin.json").write_text(
            f'{{"protocol": "lab-workbook 1.1", "tag": "{tag}", "writer": "a test", "runtime": "none",'
            ' "started": "2016-02-12T21:49:00Z"}'
        )
        return ExperimentRepository(root)[tag]

    return recorded


def _cell(value: Any) -> str:
    if value is None:
        return "nil"
    return repr(value.item() if hasattr(value, "item") else value)
