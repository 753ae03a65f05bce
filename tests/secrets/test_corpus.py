"""
Secrets are found, and nothing else is: by the Python writer and by the Lua writer, with one corpus.
"""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lab_workbook.protocol import _spec
from lab_workbook_writer.capture import redaction

from tests.secrets import corpus

MARK = _spec.SECRET_MARK
RUNTIMES = ("lua51", "lua52", "lua53", "lua54", "luajit20", "luajit21")
# What a text is made of when it is to come near a secret: beginnings, names, signs, and what stands between.
PIECES = [
    *(shape[0] for shape in _spec.SECRET_SHAPES[::5]),
    "://",
    ":",
    "=",
    "@",
    "'",
    '"',
    " ",
    "\n",
    "\\",
    "+",
    "-",
    "==",
    "a" * 20,
    "Ab1" * 12,
    "0a" * 20,
    "token",
    "api_key",
    "DB_PASSWORD",
    "author",
    "str",
    "{",
    "$",
    "*",
    "?",
    "&",
    MARK,
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "hunter2",
    "é",
    "\0",
    ".eyJ",
    "user",
    "GIT binary patch\n",
]


class Lua:
    """The Lua writer's functions in one of lupa's Luas."""

    def __init__(self, name):
        lupa = pytest.importorskip(f"lupa.{name}")
        self._lua = lupa.LuaRuntime(encoding=None, unpack_returned_tuples=True)
        path = f"{corpus.__file__.rpartition('/tests/')[0]}/lua/?.lua;"
        self._lua.execute(f"package.path = {json.dumps(path)} .. package.path".encode())

    def text(self, text):
        redacted, count = self._lua.eval(b"require('lab-workbook.redaction').text")(text.encode())
        return redacted.decode(), count

    def is_secret(self, name):
        return self._lua.eval(b"require('lab-workbook.secretnames').isSecret")(name.encode())

    def arguments(self, arguments):
        table = self._lua.table_from([argument.encode() for argument in arguments])
        redacted, count = self._lua.eval(b"require('lab-workbook.redaction').arguments")(table)
        return [text.decode() for text in redacted.values()], count


class Python:
    text = staticmethod(redaction.redacted_text)
    is_secret = staticmethod(redaction.is_secret_name)
    arguments = staticmethod(redaction.redacted_arguments)


@pytest.fixture(scope="module", params=("python", *RUNTIMES))
def writer(request):
    """The functions of a writer."""
    return Python() if request.param == "python" else Lua(request.param)


@pytest.mark.parametrize("kind", corpus.TOKENS)
def test_a_token_is_cut_wherever_it_stands(writer, kind):
    """
    Alone, in a sentence, in quotes and in a list.
    """
    token = corpus.TOKENS[kind]

    for before, after in [("", ""), ("use ", " for it"), ('"', '"'), ("[", ", 2]"), ("x=", "\n"), ("é", "é")]:
        assert writer.text(before + token + after) == (before + MARK + after, 1)


@pytest.mark.parametrize(("text", "secret", "left"), corpus.TEXTS)
def test_a_secret_within_a_text_is_cut(writer, text, secret, left):
    """
    Nothing else of the text is.
    """
    assert secret in text
    assert writer.text(text) == (left, 1)
    assert writer.text(f"first line\n{text}\nlast line") == (f"first line\n{left}\nlast line", 1)


@pytest.mark.parametrize("text", corpus.INNOCENT_TEXTS)
def test_an_innocent_text_stays(writer, text):
    """
    A patch in which a name was cut would not restore the program.
    """
    assert writer.text(text) == (text, 0)
    assert writer.text(f"+{text}\n-{text}\n") == (f"+{text}\n-{text}\n", 0)


def test_names_tell_secrets(writer):
    """
    In whichever way their words are put together; use_cls_token is none.
    """
    assert [key for key in corpus.SECRET_KEYS if not writer.is_secret(key)] == []
    assert [key for key in corpus.INNOCENT_KEYS if writer.is_secret(key)] == []


@pytest.mark.parametrize(
    ("indent", "first"), [("", ""), ("+", "+"), (" ", "+"), ("-", "-"), ("    ", "    "), ("# ", "# ")]
)
def test_the_lines_of_a_private_key_stay_in_number(writer, indent, first):
    """
    With what a patch has before each, so that it applies.
    """
    key = corpus.PRIVATE_KEY.split("\n")
    text = "\n".join([indent + key[0], *(first + line for line in key[1:-1]), indent + key[-1]])

    redacted, count = writer.text(f"before\n{text}\nafter")

    assert count == 1
    lines = redacted.split("\n")
    assert lines[:2] == ["before", indent + key[0]]
    assert lines[-2:] == [indent + key[-1], "after"]
    marks = {line[:1] + line[1:].strip("# ") if indent in "+- " and indent else line for line in lines[2:-2]}
    assert len(lines) == len(key) + 2
    assert all(MARK in mark and len(mark) <= len(MARK) + len(first) for mark in marks)
    if indent in ("+", "-", " "):
        assert {line[0] for line in lines[2:-2]} == {first}


def test_a_private_key_in_one_line_of_json_is_cut(writer):
    """
    As the key files of cloud services have it.
    """
    text = json.dumps({"type": "service_account", "key": corpus.PRIVATE_KEY + "\n"})

    redacted, count = writer.text(text)

    assert count == 1
    assert json.loads(redacted)["key"].count("-----") == 4
    assert corpus.PRIVATE_KEY.split("\n")[1] not in redacted


def test_a_key_without_an_end_is_cut_as_far_as_it_goes(writer):
    """
    The hunk of a patch may stop in the middle of it.
    """
    begin, *body, _ = corpus.PRIVATE_KEY.split("\n")

    assert writer.text("\n".join([begin, *body])) == ("\n".join([begin, *[MARK] * len(body)]), 1)
    assert writer.text(f"{begin}\nis how such a file begins.") == (f"{begin}\nis how such a file begins.", 0)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--api-key", "abc", "--lr", "0.1"], ["--api-key", MARK, "--lr", "0.1"]),
        (["-apiKey", "abc"], ["-apiKey", MARK]),
        (["--password=abc", "x"], [f"--password={MARK}", "x"]),
        (["db.password=abc", "+hub.token=abc"], [f"db.password={MARK}", f"+hub.token={MARK}"]),
        (["--token", "--lr", "0.1"], ["--token", "--lr", "0.1"]),
        (["--use-auth", "true", "--auth=false"], ["--use-auth", "true", "--auth=false"]),
        (["--num_tokens", "5", "--eos_token=</s>"], ["--num_tokens", "5", "--eos_token=</s>"]),
        ([corpus.TOKENS["github"]], [MARK]),
        (["--data", "s3://me:hunter2@bucket/x"], ["--data", f"s3://me:{MARK}@bucket/x"]),
        (["password", "abc", ""], ["password", "abc", ""]),
    ],
)
def test_a_command_line_goes_without_secrets(writer, arguments, expected):
    """
    The value of an option goes, in its three spellings; a flag takes nothing with it.
    """
    redacted, count = writer.arguments(arguments)

    assert redacted == expected
    assert count == sum(MARK in argument for argument in expected)


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "=",
            "='",
            ":",
            "sk-",
            "://a",
            "://a:",
            "eyJ.",
            "AKIA",
            " ",
            "+",
            "token=",
            "TOKEN=abcdef\n",
            "'",
        ),
        *(
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\n",
            "GIT binary patch\n",
            '"api_key": "',
        ),
    ],
)
def test_no_text_takes_longer_than_its_length_says(piece):
    """
    A patch may be of many megabytes: each of these would take minutes if each place looked at the rest.
    """
    data = (piece * 400_000)[:400_000].encode()
    start = time.process_time()

    redaction.redacted_bytes(data)

    assert time.process_time() - start < 3


@given(text=st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=12).map("".join))
@example("token='://u:hunter2@h'")
@example("TOKEN=://u:hunter2@h")
def test_once_cut_nothing_is_left_to_cut(text):
    """
    Nothing raises, a second look finds nothing more, and the lines stay in number.
    """
    redacted, count = redaction.redacted_text(text)

    assert redaction.redacted_text(redacted) == (redacted, 0)
    assert redacted.count("\n") == text.count("\n")
    assert (redacted != text) == (count > 0)


@given(
    data=st.lists(st.sampled_from(PIECES).map(str.encode) | st.binary(max_size=5), max_size=12).map(b"".join)
)
def test_bytes_are_cut_as_texts_are(data):
    """
    What is no secret stays byte for byte, be it UTF-8 or not.
    """
    redacted, count = redaction.redacted_bytes(data)

    assert redaction.redacted_bytes(redacted) == (redacted, 0)
    assert redacted.count(b"\n") == data.count(b"\n")
    assert (redacted != data) == (count > 0)


@given(
    text=st.lists(
        st.sampled_from(PIECES) | st.text(st.characters(max_codepoint=127), max_size=5), max_size=10
    )
)
def test_both_languages_cut_the_same(text):
    """
    Whatever stands beside whatever.
    """
    whole = "".join(text)
    lua = _lua()

    assert lua.text(whole) == redaction.redacted_text(whole)
    assert lua.is_secret(whole) == redaction.is_secret_name(whole)


def _lua(made=[]):  # noqa: B006 - one for all examples
    if not made:
        made.append(Lua("luajit21"))
    return made[0]
