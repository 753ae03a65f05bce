"""
A report in a real browser: it opens without a network, its curves are all there, and it moves.
"""

from __future__ import annotations

import math
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_workbook.html import visible

from reader.tests.html import hostile
from tests.browser import demo

pytestmark = pytest.mark.soak

ROOT = Path(__file__).resolve().parents[2]
ROWS = 180_801
# Looked up now, because a test is given an environment of its own.
WRITES_PICTURES = "LAB_WORKBOOK_WRITE_PICTURES" in os.environ

# How many pixels of a chart have the colour of a curve: in a small square around a point, or everywhere.
INKED = """([chart, curve, x, y]) => {
    const { plot } = labWorkbook.charts[chart];
    const colour = plot.series[curve + 1].stroke(plot, curve + 1);
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    const { width, height } = plot.ctx.canvas;
    const copy = Object.assign(document.createElement("canvas"), { width, height });
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(plot.ctx.canvas, 0, 0);
    const box = x == null ? [0, 0, width, height]
        : [Math.round(plot.valToPos(x, "x", true)) - 2, Math.round(plot.valToPos(y, "y", true)) - 2, 5, 5];
    const ink = context.getImageData(...box).data;
    let count = 0;
    for (let i = 0; i < ink.length; i += 4)
        if ([red, green, blue].every((each, at) => Math.abs(ink[i + at] - each) < 20) && ink[i + 3] > 60)
            count++;
    return count;
}"""
RANGE = "(chart) => { const { min, max } = labWorkbook.charts[chart].plot.scales.x; return [min, max]; }"


def inked(page: Any, chart: int, curve: int, x: float | None = None, y: float | None = None) -> int:
    """Return how many pixels of a chart have the colour of a curve; near a point, where one is given."""
    page.wait_for_timeout(50)
    return page.evaluate(INKED, [chart, curve, x, y])


def test_it_opens_from_a_file_and_draws_every_curve(look: Any, record: Any) -> None:
    """
    Nothing is asked for, nothing is said on the console, and no canvas is blank.
    """
    page = look(
        record("A", epoch=[1, 2, 3], loss=[0.5, 0.25, 0.125], error=[9, 8, 7]),
        record("B", epoch=[1, 2], loss=[0.6, 0.5]),
    )

    assert page.locator("figcaption span").all_inner_texts() == ["loss", "error"]
    assert [inked(page, 0, 0) > 20, inked(page, 0, 1) > 20, inked(page, 1, 0) > 20] == [True] * 3


def test_the_page_cannot_send_anything_anywhere(look: Any, record: Any) -> None:
    """
    Were a script smuggled in all the same, it would not run, and could not tell anyone.
    """
    asked = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        page = look(record("A", epoch=[1], loss=[1]))

        refused = page.evaluate(
            """async (address) => {
                for (const tag of ["img", "script", "iframe", "link"]) {
                    const element = document.createElement(tag);
                    if (tag === "link") element.rel = "stylesheet";
                    element.setAttribute(tag === "link" ? "href" : "src", address + tag);
                    document.body.append(element);
                }
                const script = document.createElement("script");
                script.textContent = "window.ran = true";
                document.body.append(script);
                const fetched = await fetch(address).then(() => false, () => true);
                return fetched && window.ran === undefined;
            }""",
            address,
        )
        page.wait_for_timeout(300)
        server.shutdown()

    assert refused
    assert asked == []
    assert all("Content Security Policy" in each for each in page.said if each.startswith("console"))
    page.said.clear()


def test_numbers_are_exact(look: Any, record: Any) -> None:
    """
    What was logged is in the page to the last digit: floats, and integers that have no float.
    """
    floats = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, float("nan"), float("inf"), float("-inf")]
    integers = [2**53 + 1, -(2**63), 2**63 - 1, None, 0, 1, 2, 3]
    page = look(record("A", step=range(8), loss=floats, count=integers))

    loss, count = (
        page.evaluate("(at) => [0, 1, 2, 3, 4, 5, 6, 7].map(labWorkbook.charts[at].curves[0].y.text)", at)
        for at in (0, 1)
    )

    assert [float(each) for each in loss[:5]] == floats[:5]
    assert loss[4:] == ["-0", "nan", "∞", "\u2212∞"]
    assert count == ["nan" if each is None else str(each) for each in integers]


def test_a_long_series_stays_smooth_and_loses_no_extreme(look: Any, record: Any) -> None:
    """
    Of 180,801 rows, a redraw draws a few lines a pixel, and yet one row that is far off is seen.
    """
    noise = np.random.default_rng(1)
    loss = np.exp(-np.arange(ROWS) / 50_000) + noise.normal(0, 0.02, ROWS)
    loss[123_456] = 3.0
    page = look(record("A", step=np.arange(ROWS), loss=loss))

    told = page.evaluate(
        """async (rows) => {
            const { plot } = labWorkbook.charts[0];
            const drawn = Path2D.prototype.lineTo;
            let lines = 0;
            const most = [], took = [];
            Path2D.prototype.lineTo = function (...point) { lines++; return drawn.apply(this, point); };
            for (let step = 0; step < 60; step++) {
                const width = rows * (1 - step / 65), from = (rows - width) * 0.6;
                lines = 0;
                const start = performance.now();
                plot.batch(() => plot.setScale("x", { min: from, max: from + width }));
                took.push(performance.now() - start);
                most.push(lines);
                await new Promise(requestAnimationFrame);
            }
            Path2D.prototype.lineTo = drawn;
            plot.setScale("x", { min: 0, max: rows });
            return { rows: plot.data[0].length, width: plot.bbox.width, lines: Math.max(...most), took };
        }""",
        ROWS,
    )

    took = np.array(told["took"])
    print(  # noqa: T201 - a figure to be read
        f"\n{told['rows']:,} rows on {told['width']} pixels: {told['lines']:,} lines a frame at most;"
        f" 60 zooms, the median in {np.median(took):.1f} ms, the slowest in {took.max():.1f} ms"
    )
    assert told["rows"] == ROWS
    assert told["lines"] <= 5 * told["width"]
    assert inked(page, 0, 0, 123_456, 3.0) > 0


def test_a_value_between_holes_is_drawn(look: Any, record: Any) -> None:
    """
    A metric that was measured once in a thousand steps is not lost among those without it.
    """
    single = np.full(20_000, np.nan)
    single[500::1_000] = np.linspace(0, 1, 20)
    pair = np.full(20_000, np.nan)
    pair[500::1_000] = pair[501::1_000] = np.linspace(0, 1, 20)
    page = look(record("A", step=np.arange(20_000), single=single, pair=pair))

    for chart, column in enumerate((single, pair)):
        assert all(inked(page, chart, 0, float(step), column[step]) for step in range(500, 20_000, 1_000))


def test_curves_with_steps_of_their_own_share_an_axis_unbroken(look: Any, record: Any) -> None:
    """
    A row that only another experiment has is no hole, and a hole is one.
    """
    one = record("A", step=[0, 2, 4, 6, 8], loss=[0.0, 0.0, None, 0.0, 0.0])
    other = record("B", step=[1, 3, 5, 7, 9], loss=[1.0] * 5)
    page = look(one, other)

    assert all(inked(page, 0, 1, x, 1.0) for x in (2.0, 4.5, 6.0))
    assert [bool(inked(page, 0, 0, x, 0.0)) for x in (1.0, 3.5, 4.5, 7.0)] == [True, False, False, True]


axes = st.lists(
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, float("nan")]), max_size=8), min_size=1, max_size=4
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(xs=axes)
def test_each_row_has_a_place_on_the_axis(aligner: Any, xs: list[list[float]]) -> None:
    """
    In the order of its x, and of the file where x comes again; only a row without x has none.
    """
    found = aligner.evaluate(
        """(xs) => {
            const { x, places } = numbers.align(xs.map((each) => Float64Array.from(each, Number)));
            return { x: [...x], places: places.map((each) => [...each]) };
        }""",
        [[repr(each) for each in own] for own in xs],
    )

    assert found["x"] == sorted(found["x"])
    for own, places in zip(xs, found["places"], strict=True):
        rows = [row for row in places if row >= 0]
        there = [row for row, x in enumerate(own) if not math.isnan(x)]
        assert rows == sorted(there, key=lambda row: (own[row], row))
        assert all(own[row] == x for row, x in zip(places, found["x"], strict=True) if row >= 0)
    repeats = max((sum(each == 0.5 for each in own) for own in xs), default=0)
    assert found["x"].count(0.5) == repeats


@pytest.fixture
def aligner(look: Any, record: Any) -> Any:
    return look(record("A", epoch=[1], loss=[1]))


def test_steps_that_go_back_are_drawn_in_their_order_or_by_row(look: Any, record: Any) -> None:
    """
    A resumed run repeats steps; no row of it is left out.
    """
    page = look(record("A", step=[1, 2, 3, 2, 3, 4], loss=[6, 5, 4, 3, 2, 1]))

    assert page.evaluate("() => [...labWorkbook.charts[0].plot.data[0]]") == [1, 2, 2, 3, 3, 4]
    page.locator("select").select_option("row")
    page.wait_for_function("() => labWorkbook.charts[0].plot.data[0][5] === 6")
    assert page.evaluate("() => labWorkbook.charts[0].plot.data[1]") == [6, 5, 4, 3, 2, 1]
    page.locator("select").select_option("elapsed")
    page.wait_for_function("() => labWorkbook.charts[0].plot.data[0][5] === 5")


def test_the_charts_of_a_series_move_together(look: Any, record: Any) -> None:
    """
    By dragging, wheel and keys; a double click shows all again.
    """
    steps = np.arange(1_000)
    page = look(record("A", step=steps, loss=1 / (steps + 1), error=steps))
    box = page.locator(".u-over").first.bounding_box()
    left, top, wide = box["x"], box["y"] + box["height"] / 2, box["width"]

    page.mouse.move(left + wide * 0.25, top)
    page.mouse.down()
    page.mouse.move(left + wide * 0.5, top, steps=4)
    page.mouse.up()
    page.wait_for_timeout(50)
    zoomed = page.evaluate(RANGE, 0)
    assert zoomed == pytest.approx([250, 500], abs=8)
    assert page.evaluate(RANGE, 1) == zoomed

    page.keyboard.down("Shift")
    page.mouse.down()
    page.mouse.move(left + wide * 0.25, top, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.wait_for_timeout(50)
    moved = page.evaluate(RANGE, 1)
    assert moved == pytest.approx([zoomed[0] + 62, zoomed[1] + 62], abs=4)

    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.wait_for_timeout(50)
    page.keyboard.up("Control")
    narrow = page.evaluate(RANGE, 1)
    assert narrow[1] - narrow[0] == pytest.approx(0.8 * (moved[1] - moved[0]))

    page.locator(".u-over").first.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(50)
    assert page.evaluate(RANGE, 1)[0] < narrow[0]

    page.mouse.dblclick(left + wide / 2, top)
    page.wait_for_timeout(50)
    assert page.evaluate(RANGE, 0) == page.evaluate(RANGE, 1) == [0, 999]


def test_an_experiment_can_be_hidden_in_all_charts_at_once(look: Any, record: Any) -> None:
    page = look(
        record("A", step=[1, 2], loss=[1, 2], error=[3, 4]),
        record("B", step=[1, 2], loss=[2, 1], error=[4, 3]),
    )

    page.get_by_role("button", name="B").click()
    assert [inked(page, chart, 1) for chart in (0, 1)] == [0, 0]
    assert inked(page, 0, 0) > 20

    page.locator(".u-legend .u-label").filter(has_text="B").first.click()
    assert all(inked(page, chart, 1) > 20 for chart in (0, 1))


def test_a_logarithmic_axis_leaves_out_what_it_cannot_show(look: Any, record: Any) -> None:
    page = look(record("A", step=[1, 2, 3, 4], loss=[100.0, 0.0, -1.0, 0.01]))

    page.get_by_role("button", name="log").click()

    page.wait_for_function("() => labWorkbook.charts[0].plot.scales.y.distr === 3")
    assert page.evaluate("() => labWorkbook.charts[0].plot.data[1]") == [100, None, None, 0.01]


def test_the_pointer_shows_the_value_as_it_was_logged(look: Any, record: Any) -> None:
    page = look(record("A", step=[1, 2, 3], count=[2**53 + 1, 2**53 + 3, 7]))
    box = page.locator(".u-over").bounding_box()

    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)

    page.wait_for_function("() => document.querySelectorAll('.u-value')[1].textContent !== ''")
    assert page.locator(".u-value").all_inner_texts() == ["2", str(2**53 + 3)]


def test_a_long_number_is_shown_whole_on_any_screen(look: Any, record: Any) -> None:
    """
    The last digit is where two experiments may differ.
    """
    runs = [
        record(f"20160212214{at}-PMJ8a76csB", step=[1, 2, 3], loss=[-1.2345678901234567e-100] * 3)
        for at in "123"
    ]
    for width in (1280, 700, 400):
        page = look(*runs, width=width)
        box = page.locator(".u-over").bounding_box()

        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)

        page.wait_for_function("() => document.querySelectorAll('.u-value')[3].textContent !== ''")
        assert page.locator(".u-value").last.inner_text() == "-1.2345678901234567e-100"
        ends = page.evaluate(
            """() => [...document.querySelectorAll(".u-value")].map((each) => {
                const range = document.createRange();
                range.selectNodeContents(each);
                const edge = each.closest("figure").getBoundingClientRect().right;
                return range.getBoundingClientRect().right - edge;
            })"""
        )
        assert max(ends) <= 0


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "</script><img src=x onerror=alert(1)>",
        "\u202e'\"&lt;",
        "{{ 7 * 7 }}",
        "__proto__",
    ],
)
def test_hostile_names_are_text(look: Any, tmp_path: Path, text: str) -> None:
    """
    In tables, in charts and in legends, a name is what it is called.
    """
    page = look(hostile.experiment(tmp_path / "one", text), hostile.experiment(tmp_path / "other", text))

    assert page.locator("script").count() == 5
    assert page.locator("img").count() == 0
    assert page.locator("select option").first.inner_text() == visible(f"{text} 1")
    assert page.locator("figcaption span").first.inner_text() == visible(f"{text} 2")
    assert page.get_by_text(visible(text), exact=True).count() > 3


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=hostile.texts())
def test_no_text_becomes_an_element(look: Any, tmp_path_factory: Any, text: str) -> None:
    """
    As a real browser reads the page, which is not always as a parser does.
    """
    root = tmp_path_factory.mktemp("hostile")
    page = look(hostile.experiment(root, text))

    elements = set(
        page.evaluate("() => [...document.querySelectorAll('body *')].map((each) => each.localName)")
    )
    page.close()

    assert elements <= OURS


OURS = {
    *("article", "b", "button", "canvas", "code", "details", "div", "figcaption", "figure", "h1", "h2"),
    *("header", "input", "label", "main", "nav", "noscript", "option", "p", "pre", "script", "section"),
    *("select", "span", "summary", "table", "tbody", "td", "th", "thead", "tr"),
}


def test_twenty_experiments_of_ten_thousand_rows(look: Any, record: Any, tmp_path: Path) -> None:
    """
    Each with steps of its own, which is the most that there is to draw.
    """
    noise = np.random.default_rng(1)
    experiments = [
        record(
            f"2016021221{number:02}-PMJ8a76csB",
            step=np.sort(noise.uniform(0, 10_000, 10_000)),
            loss=np.exp(-np.arange(10_000) / (1_000 + 100 * number)) + noise.normal(0, 0.01, 10_000),
        )
        for number in range(20)
    ]
    page = look(*experiments)

    took = page.evaluate(
        """() => {
            const { plot } = labWorkbook.charts[0];
            return [0.2, 0.4, 0.6, 0.8, 1].map((width) => {
                const start = performance.now();
                plot.batch(() => plot.setScale("x", { min: 0, max: 10000 * width }));
                return Math.round(performance.now() - start);
            });
        }"""
    )

    size = os.path.getsize(tmp_path / "report.html")
    print(f"\n20 experiments of 10,000 rows: a page of {size / 1e6:.1f} MB, zooms in {took} ms")  # noqa: T201
    assert page.evaluate("() => labWorkbook.charts[0].plot.data[0].length") == 200_000
    assert all(inked(page, 0, curve) > 0 for curve in range(20))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_for_people(look: Any, tmp_path: Path, scheme: str) -> None:
    """
    Nothing sticks out of the page; `make pictures` keeps the picture for docs/report.md.
    """
    page = look(*demo.experiments(tmp_path / "demo"), dark=scheme == "dark")

    page.wait_for_timeout(200)
    picture = tmp_path / f"report-{scheme}.png"
    page.screenshot(path=picture, full_page=True)
    print(f"\n{picture}")  # noqa: T201
    if WRITES_PICTURES:
        upper = {"x": 0, "y": 0, "width": 1280, "height": 1165}
        page.screenshot(path=ROOT / "docs" / picture.name, full_page=True, clip=upper)

    for shown in (page, look(*demo.experiments(tmp_path / "again"), width=400)):
        shown.wait_for_function("() => document.documentElement.scrollWidth <= innerWidth", timeout=5_000)
