"""`Workbook.save_figure`: pictures by the libraries that make them."""

import io
import resource

import pytest
from lab_workbook import InvalidValue

image = pytest.importorskip("PIL.Image")
figures = pytest.importorskip("matplotlib.figure")


@pytest.fixture
def figure():
    """A figure of matplotlib."""
    figure = figures.Figure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([1, 2, 3])
    return figure


def test_a_figure_is_a_png(workbook, home_of, figure):
    workbook.save_figure("plots/loss", figure)

    with image.open(home_of(workbook) / "plots" / "loss.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (100, 50))


@pytest.mark.parametrize(
    ("name", "begins"),
    [("a.svg", b"<?xml"), ("a.pdf", b"%PDF"), ("a.JPG", b"\xff\xd8"), ("v1.5", b"\x89PNG")],
)
def test_the_name_says_what_it_becomes(workbook, home_of, figure, name, begins):
    """
    If it ends like a picture's; else it is a PNG.
    """
    workbook.save_figure(name, figure)

    (path,) = (path for path in home_of(workbook).iterdir() if path.is_file())
    assert path.name == name + (".png" if name == "v1.5" else "")
    assert path.read_bytes().startswith(begins)


@pytest.mark.parametrize(("name", "format"), [("a", "PNG"), ("a.jpg", "JPEG"), ("a.webp", "WEBP")])
def test_an_image_of_pillow_is_saved(workbook, home_of, name, format):  # noqa: A002 - as Pillow calls it
    workbook.save_figure(name, image.new("RGB", (3, 2), "red"))

    (path,) = (path for path in home_of(workbook).iterdir() if path.is_file())
    with image.open(path) as picture:
        assert (picture.format, picture.size) == (format, (3, 2))


def test_a_figure_as_plotly_makes_them_is_saved(workbook, home_of):
    """
    As a page of its own, or as bytes that kaleido draws.
    """

    class Figure:
        def to_html(self):
            return "<html>Größe</html>"

        def to_image(self, *, format):  # noqa: A002 - as plotly calls it
            return format.encode()

    workbook.save_figure("a.html", Figure())
    workbook.save_figure("b", Figure())

    assert (home_of(workbook) / "a.html").read_text() == "<html>Größe</html>"
    assert (home_of(workbook) / "b.png").read_bytes() == b"png"


@pytest.mark.parametrize("value", [None, "a.png", b"", io.BytesIO(), object()])
def test_what_is_no_figure_is_refused(workbook, home_of, value):
    """
    Before any file is made.
    """
    with pytest.raises(InvalidValue, match="save_figure saves figures"):
        workbook.save_figure("a", value)

    assert [path.name for path in home_of(workbook).iterdir()] == [".lab-workbook"]


def test_what_the_library_refuses_is_the_callers_mistake(workbook, home_of, figure):
    """
    As it says it, and nothing is left behind.
    """
    with pytest.raises(ValueError, match="html"):
        workbook.save_figure("a.html", figure)

    assert not (home_of(workbook) / "a.html").exists()
    assert [path.name for path in (home_of(workbook) / ".lab-workbook/tmp").iterdir()] == ["reserve"]


def test_a_full_disk_loses_it_and_no_more(workbook, figure, capsys):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        workbook.save_figure("a", figure)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert "an artifact was lost ('a.png'" in capsys.readouterr().err
