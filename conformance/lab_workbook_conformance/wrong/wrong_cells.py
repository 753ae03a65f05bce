"""Writers that are wrong about the cells of a series."""

from __future__ import annotations

import math
import re
from typing import Any

from lab_workbook_conformance.wrong import spelling
from lab_workbook_conformance.wrong.errors import Refused, Unsupported
from lab_workbook_conformance.wrong.table import Right, instead_of


# A bare 007 looks like an integer that is wrong.
@instead_of("series.text", spelling, "quoted", also=("series.integer",))
def bare_texts(right: Right, value: str) -> Any:
    """A text is quoted only where it has a comma, a quote or an end of a line."""
    return right(value) if re.search('[,"\r\n]|^$|^\ufeff', value) or value.strip() != value else value


@instead_of("series.text-2", spelling, "integer")
def quoted_integers(right: Right, *given: Any) -> Any:
    """Integers are quoted."""
    return f'"{right(*given)}"'


@instead_of("series.text-3", spelling, "missing")
def quoted_nil(right: Right) -> Any:
    """What is missing is a quoted nil."""
    return f'"{right()}"'


@instead_of("series.text-4", spelling, "text")
def stripped(right: Right, value: str, lost: spelling.Lost) -> Any:
    """White space at the edges of a text is dropped."""
    return right(value.strip(), lost)


@instead_of("series.text-5", spelling, "text")
def unix_lines(right: Right, value: str, lost: spelling.Lost) -> Any:
    """CR LF in a text becomes LF."""
    return right(value.replace("\r\n", "\n"), lost)


@instead_of("series.integer", spelling, "integer")
def as_float(right: Right, value: int, lost: spelling.Lost) -> Any:
    """Integers are written as floats."""
    digits = right(value, lost)
    return spelling.number(float(value)) if abs(value) < 2**63 else digits


@instead_of("series.integer-2", spelling, "integer")
def rounded(right: Right, value: int, lost: spelling.Lost) -> Any:
    """Integers go through a double."""
    return right(int(float(value)) if abs(value) < 2**63 - 512 else value, lost)


@instead_of("series.integer-3", spelling, "integer")
def plus(right: Right, value: int, lost: spelling.Lost) -> Any:
    """A positive integer has its sign."""
    return f"{'+' if 0 < value < 2**63 else ''}{right(value, lost)}"


@instead_of("series.float", spelling, "number")
def fourteen_digits(right: Right, value: float) -> Any:
    """Floats have 14 digits, as Lua prints them."""
    short = f"{value:.14g}"
    return short if "." in short and abs(value) < 2**53 else right(value)


@instead_of("series.float-2", spelling, "number")
def seventeen_digits(right: Right, value: float) -> Any:
    """Floats always have 17 digits."""
    long = f"{value:.17g}"
    return long if "." in long else right(value)


@instead_of("series.float-3", spelling, "number")
def bare_point(right: Right, value: float) -> Any:
    """There is no 0 before the point."""
    return re.sub(r"^(-?)0\.(?=.*[1-9])", r"\1.", right(value))


@instead_of("series.float-4", spelling, "number")
def no_exponent(right: Right, value: float) -> Any:
    """Floats are written without an exponent."""
    return f"{value:f}" if 0 < abs(value) < 1 else right(value)


@instead_of("series.integral", spelling, "integral")
def no_point(right: Right, digits: str) -> Any:
    """A float with an integral value has no point."""
    return right(digits) if digits == "-0" else digits


@instead_of("series.integral-2", spelling, "number")
def all_digits(right: Right, value: float) -> Any:
    """A large float is written with all its digits."""
    is_large = math.isfinite(value) and 2**53 <= abs(value) < 1e18 and value == int(value)
    return str(int(value)) if is_large else right(value)


# An integer that no double comes near is an infinity.
@instead_of("series.special", spelling, "special", also=("series.beyond",))
def as_in_json(_: Right, value: float) -> Any:
    """Not-a-number and the infinities are spelled as in JavaScript."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


@instead_of("series.special-2", spelling, "special")
def missing_for_nan(right: Right, value: float) -> Any:
    """Not-a-number is written as missing."""
    return spelling.missing() if math.isnan(value) else right(value)


@instead_of("series.special-3", spelling, "number")
def no_negative_zero(right: Right, value: float) -> Any:
    """Negative zero loses its sign."""
    return right(value or 0.0)


@instead_of("series.special-4", spelling, "boolean")
def capital_booleans(right: Right, value: bool) -> Any:  # noqa: FBT001 - as the right one
    """Booleans begin with a capital."""
    return right(value).capitalize()


@instead_of("series.special-5", spelling, "boolean")
def numbers_for_booleans(_: Right, value: bool) -> Any:  # noqa: FBT001 - as the right one
    """Booleans are 1 and 0."""
    return str(int(value))


@instead_of("series.special-6", spelling, "missing")
def nothing_for_missing(_: Right) -> Any:
    """What is missing is an empty cell."""
    return ""


@instead_of("series.special-7", spelling, "special")
def signed_nan(right: Right, value: float) -> Any:
    """Not-a-number has a sign."""
    return f"-{right(value)}" if math.isnan(value) else right(value)


@instead_of("series.special-8", spelling, "number")
def every_zero_is_negative(right: Right, value: float) -> Any:
    """Zero is written as negative zero."""
    return "-0.0" if value == 0 else right(value)


@instead_of("series.beyond", spelling, "beyond")
def every_digit(_: Right, value: int) -> Any:
    """An integer beyond 64 bits has all its digits."""
    return str(value)


@instead_of("series.beyond-2", spelling, "beyond")
def clamped(_: Right, value: int) -> Any:
    """An integer beyond 64 bits becomes the largest or the smallest one."""
    return str(2**63 - 1 if value > 0 else -(2**63))


@instead_of("series.beyond-3", spelling, "beyond")
def refused(_: Right, _value: int) -> Any:
    """An integer beyond 64 bits is refused."""
    raise Refused("series.beyond", "smaller, please")


# With a comma in it one cell is two.
@instead_of("series.locale", spelling, "number", also=("series.row",))
def comma(right: Right, value: float) -> Any:
    """The point of a float is a comma."""
    return right(value).replace(".", ",")


@instead_of("series.value", spelling, "other")
def anything_as_text(_: Right, value: Any) -> Any:
    """A value of another type is written as it prints."""
    return spelling.quoted(str(value))


@instead_of("series.value-2", spelling, "other")
def first_of_a_list(right: Right, value: Any) -> Any:
    """Of a list the first value is written."""
    return spelling.cell(value[0], spelling.Lost()) if isinstance(value, list) and value else right(value)


@instead_of("series.value-3", spelling, "other")
def nothing_of_it(_: Right, _value: Any) -> Any:
    """A value of another type is written as missing."""
    return spelling.missing()


@instead_of("series.value-4", spelling, "boolean")
def no_booleans(_: Right, _value: bool) -> Any:  # noqa: FBT001 - as the right one
    """Booleans are refused."""
    raise Refused("series.value", "a number, please")


@instead_of("text.mended", spelling, "mended")
def question_marks(right: Right, value: str, lost: spelling.Lost, *, was: str | None = None) -> Any:
    """What is not UTF-8 becomes a question mark."""
    return re.sub("[\ud800-\udfff]", "?", value) if right(value, lost, was=was) != value else value


@instead_of("text.mended-2", spelling, "mended")
def dropped(right: Right, value: str, lost: spelling.Lost, *, was: str | None = None) -> Any:
    """What is not UTF-8 is dropped."""
    return re.sub("[\ud800-\udfff]", "", value) if right(value, lost, was=was) != value else value


@instead_of("text.mended-3", spelling, "text")
def nul(right: Right, value: str, lost: spelling.Lost) -> Any:
    """NUL in a cell stays, and is counted."""
    right(value, lost)
    return spelling.quoted(spelling.mended(value, spelling.Lost()))


@instead_of("text.mended-4", spelling, "mended")
def refused_text(right: Right, value: str, lost: spelling.Lost, *, was: str | None = None) -> Any:
    """A text that is not UTF-8 is refused."""
    if right(value, lost, was=was) != value:
        raise Refused("text.mended", "UTF-8, please")
    return value


@instead_of("text.mended-5", spelling, "text")
def unsupported_bytes_and_no_nul(right: Right, value: str, lost: spelling.Lost) -> Any:
    """Text that is not UTF-8 is called unsupported, and NUL is left out."""
    if re.search("[\ud800-\udfff]", value):
        raise Unsupported("there is no such text here")
    return right(value.replace("\0", ""), lost)
