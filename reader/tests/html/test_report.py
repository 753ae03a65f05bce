"""
A report is one page that needs nothing, asks nobody and runs nothing but what we put there.

How it looks and feels in a browser is tried by `make test-browser`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import lab_workbook
import pytest
from click.testing import CliRunner
from hypothesis import given
from lab_workbook.cli import main
from lab_workbook.errors import AlreadyExists
from lab_workbook.html import report

from reader.tests.html import hostile

ROOT = Path(__file__).resolve().parents[3]
VENDOR = ROOT / "reader/lab_workbook/html/vendor"
SERIES = b"epoch,loss,Date\n1,0.5,2016-02-12T22:17:34Z\n2,0.25,2016-02-12T22:17:35Z\n"


def data_of(page: str) -> Any:
    return json.loads(re.search('<script type="application/json" id="data">(.*?)</script>', page)[1])


@given(text=hostile.texts())
def test_no_text_becomes_an_element(text: str) -> None:
    """
    Whatever a stranger wrote, the page has the elements that it has without it, and as many scripts.
    """
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        page = report.page([hostile.experiment(Path(first), text)])
        harmless = report.page([hostile.experiment(Path(second), "harmless")])

    found, expected = hostile.Elements(page).found, hostile.Elements(harmless).found
    # A text of several lines is several lines of the patch.
    assert found.keys() == expected.keys()
    assert {each: count for each, count in found.items() if each[0] != "span"} == {
        each: count for each, count in expected.items() if each[0] != "span"
    }
    assert page.isprintable() or not set(page) & set("\0\x1b\x85\u200f\u202e\u2066")
    page.encode()


@given(text=hostile.texts())
def test_data_cannot_end_the_element_that_holds_it(text: str) -> None:
    """
    The page's data are ASCII without any sign of HTML, and are the same again when parsed.
    """
    embedded = str(report._embedded({text: [text]}))

    assert embedded.isascii()
    assert not set(embedded) & set("<>&")
    assert json.loads(embedded) == {text: [text]}


def test_the_policy_allows_what_it_names_and_no_request(make: Any) -> None:
    """
    What is not forbidden to a page is a question of time.
    """
    page = report.page([make("A", {"log.csv": SERIES})])

    policy = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1].replace(
        "&#39;", "'"
    )
    directives = dict(each.split(" ", 1) for each in policy.split("; "))
    scripts = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    styles = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    assert directives == {
        "default-src": "'none'",
        "script-src": " ".join(map(hash_of, scripts)),
        "style-src": " ".join(map(hash_of, styles)),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert (len(scripts), len(styles)) == (4, 2)


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_nothing_in_the_page_names_another_place(make: Any) -> None:
    """
    No element loads, no style imports, and nothing links anywhere.
    """
    page = report.page([make("A", {"log.csv": SERIES})])

    attributes = {name for element in hostile.Elements(page).found for name in element[1:]}
    assert not attributes & {"src", "href", "srcset", "action", "style", "background", "data", "poster"}
    assert "@import" not in page
    assert "url(" not in page


def test_the_page_holds_every_number(make: Any) -> None:
    """
    Nothing is sampled, whatever the length of a series.
    """
    rows = b"".join(b"%d,%d.5,2016-02-12T22:17:34Z\n" % (row, row) for row in range(20_000))
    page = report.page([make("A", {"log.csv": b"step,loss,Date\n" + rows})])

    (series,) = data_of(page)["series"]
    (curve,) = series["curves"]
    assert (series["name"], series["field"], series["charts"], curve["rows"]) == (
        "log.csv",
        "step",
        ["loss"],
        20_000,
    )


def test_parameters_that_differ_stand_first_and_are_marked(make: Any) -> None:
    one = make("A", {"options.json": b'{"same": 1, "rate": 0.1}'})
    other = make("B", {"options.json": b'{"same": 1, "rate": 0.2, "new": true}'})

    page = report.page([one, other])

    rows = re.findall(r'<tr( class="differs")?><th>(.*?)</th>', page[page.index("Parameters</h2>") :])
    assert [(bool(differs), name) for differs, name in rows[1:4]] == [
        (True, "options.rate"),
        (True, "options.new"),
        (False, "options.same"),
    ]


def test_a_series_that_only_one_of_them_has_is_drawn(make: Any) -> None:
    experiments = [make("A", {"a.csv": SERIES}), make("B", {"b.csv": SERIES, "empty.csv": b"a,Date\n"})]

    series = data_of(report.page(experiments))["series"]

    assert [(each["name"], [curve["experiment"] for curve in each["curves"]]) for each in series] == [
        ("a.csv", [0]),
        ("b.csv", [1]),
        ("empty.csv", []),
    ]


def test_what_cannot_be_read_is_said_and_the_rest_shown(make: Any) -> None:
    page = report.page([make("A", {"bad.csv": b"a,b,Date\n1\n", "log.csv": SERIES, "text.csv": b"\xff\n"})])

    assert "bad.csv, row 1 cannot be read" in page
    assert [each["name"] for each in data_of(page)["series"] if each["charts"]] == ["log.csv"]


def test_text_columns_are_named_as_not_drawn(make: Any) -> None:
    page = report.page([make("A", {"log.csv": b'n,word,x,Date\n1,"w",2,2016-02-12T22:17:34Z\n'})])

    assert "not drawn: word" in page


def test_experiments_are_named_once(make: Any) -> None:
    made = make("A", {"log.csv": SERIES})

    assert data_of(report.page([made, made]))["tags"] == ["A"]


def test_no_experiment_is_no_report() -> None:
    with pytest.raises(lab_workbook.NotComparable, match="give at least one experiment"):
        lab_workbook.report([], "report.html")


def test_a_report_replaces_a_report_and_nothing_else(make: Any, tmp_path: Path) -> None:
    """
    `-o train.py` must not cost anyone a script.
    """
    made, page, script = make("A"), tmp_path / "report.html", tmp_path / "train.py"
    script.write_text("import torch")

    lab_workbook.report([made], page)
    lab_workbook.report([make("B")], page)

    assert "<title>B</title>" in page.read_text()
    with pytest.raises(AlreadyExists, match="choose another path"):
        lab_workbook.report([made], script)
    assert script.read_text() == "import torch"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["experiments", "report.html", "train.py"]


def test_a_folder_that_is_not_there_is_named(make: Any, tmp_path: Path) -> None:
    with pytest.raises(lab_workbook.StoreError, match=r"no/report\.html: No such file or directory"):
        lab_workbook.report([make("A")], tmp_path / "no" / "report.html")


def test_the_command_writes_a_page_and_says_its_size(make: Any, folder: Path, tmp_path: Path) -> None:
    for tag in ("A", "B"):
        make(tag, {"log.csv": SERIES})
    path = tmp_path / "report.html"

    result = CliRunner().invoke(main, ["report", "A", "B", "--prefix", str(folder), "-o", str(path)])

    assert result.exit_code == 0
    assert re.fullmatch(rf"{re.escape(str(path))}, [0-9.]+ kB\n", result.stdout)
    assert data_of(path.read_text())["tags"] == ["A", "B"]


def test_the_command_tells_programs_too(make: Any, folder: Path, tmp_path: Path) -> None:
    make("A")
    path = tmp_path / "report.html"

    result = CliRunner().invoke(main, ["report", "A", "--prefix", str(folder), "-o", str(path), "--json"])

    assert json.loads(result.stdout) == {"path": str(path), "bytes": path.stat().st_size}


@pytest.mark.s3
def test_from_a_bucket_it_is_the_same_page(
    make: Any, folder: Path, s3_client: Any, bucket_prefix: str
) -> None:
    """
    But for where the experiments lie.
    """
    bucket, _, key = bucket_prefix.removeprefix("s3://").partition("/")
    make("A", {"log.csv": SERIES, "options.json": b'{"rate": 1}'}, begin={"note": "from afar"}, end={})
    for path in folder.rglob("*.*"):
        if path.is_file():
            s3_client.put_object(
                Bucket=bucket, Key=key + str(path.relative_to(folder)), Body=path.read_bytes()
            )

    near = report.page(lab_workbook.ExperimentRepository(folder))
    far = report.page(lab_workbook.ExperimentRepository(bucket_prefix))

    assert data_of(far) == data_of(near)
    assert "from afar" in far


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "Missing argument"),
        (["GONE"], 1, "there is no experiment 'GONE'"),
        (["A", "-o", "/"], 1, "the report cannot be written"),
    ],
)
def test_what_goes_wrong_is_one_line(
    make: Any, folder: Path, arguments: list[str], code: int, says: str
) -> None:
    make("A")

    result = CliRunner().invoke(main, ["report", *arguments, "--prefix", str(folder)])

    assert result.exit_code == code
    assert says in result.stderr


@pytest.mark.parametrize("library", sorted(each.name for each in VENDOR.iterdir()))
def test_a_vendored_library_lies_as_it_was_published(library: str) -> None:
    """
    Each folder says where its files come from, and their bytes are those.
    """
    folder = VENDOR / library
    told = json.loads((folder / "vendored.json").read_text())

    assert told.keys() == {"name", "version", "license", "from", "integrity", "files"}
    assert {each.name for each in folder.iterdir()} == {*told["files"], "vendored.json"}
    assert "LICENSE" in told["files"]
    for name, digest in told["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


def test_a_wheel_has_all_that_a_report_needs(tmp_path: Path) -> None:
    """
    Templates, styles, scripts and the library with its licence.
    """
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", str(ROOT)]
    subprocess.run([*pip, "--wheel-dir", str(tmp_path)], check=True)

    (wheel,) = tmp_path.glob("*.whl")
    html = ROOT / "reader/lab_workbook/html"
    needed = {str(each.relative_to(ROOT / "reader")) for each in html.rglob("*.*") if each.suffix != ".pyc"}
    assert needed <= set(zipfile.ZipFile(wheel).namelist())
