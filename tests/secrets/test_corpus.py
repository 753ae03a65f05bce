"""
Secrets are found, and nothing else is: by the Python writer and by the Lua writer, with one corpus.
"""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lab_workbook.protocol import _spec, redaction, secret_names

from tests.secrets import corpus

MARK = _spec.SECRET_MARK
RANDOM = "x7Gk29QpLz41bV8s"
TOKEN = corpus.TOKENS["github"]
RUNTIMES = ("lua51", "lua52", "lua53", "lua54", "lua55", "luajit20", "luajit21")
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

    def strength(self, name):
        return self._lua.eval(b"require('lab-workbook.secretnames').strength")(name.encode())

    def patterns(self, redact):
        made = self._lua.eval(b"require('lab-workbook.secretpatterns').parse")(redact.encode())
        if isinstance(made, tuple):
            raise ValueError(made[1].decode())  # noqa: TRY004 - as Python does
        self._lua.eval(b"require('lab-workbook.redaction').addPatterns")(redact.encode())

    def value(self, value, allow):
        found = []
        allowed = self._lua.table_from([key.encode() for key in allow])
        under = self._lua.eval(b"require('lab-workbook.redaction').under")(allowed, found.append)
        encode = self._lua.eval(b"require('lab-workbook.json').encode")
        return json.loads(encode(self._held(value), lambda _: None, under)), len(found)

    def _held(self, value):
        if isinstance(value, dict):
            return self._lua.table_from({key.encode(): self._held(item) for key, item in value.items()})
        if isinstance(value, list):
            return self._lua.table_from([self._held(item) for item in value])
        return value.encode() if isinstance(value, str) else value

    def arguments(self, arguments):
        table = self._lua.table_from([argument.encode() for argument in arguments])
        redacted, count = self._lua.eval(b"require('lab-workbook.redaction').arguments")(table)
        return [text.decode() for text in redacted.values()], count


class Python:
    text = staticmethod(redaction.redacted_text)
    strength = staticmethod(secret_names.strength_of_name)
    patterns = staticmethod(redaction.add_patterns)
    value = staticmethod(lambda value, allow: redaction.redacted_value(value, allow=allow))

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


def test_names_announce_secrets(writer):
    """
    A strong name is enough; beside a weak one the value has to look random.
    """
    assert [key for key in corpus.SECRET_KEYS if writer.strength(key) != 2] == []
    assert [key for key in corpus.WEAK_KEYS if writer.strength(key) != 1] == []
    assert [key for key in corpus.INNOCENT_KEYS if writer.strength(key)] == []


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
        (["--secret", "--lr", "0.1"], ["--secret", "--lr", "0.1"]),
        (["--token", "word", f"--token={RANDOM}"], ["--token", "word", f"--token={MARK}"]),
        (["--api-key", "WANDB_API_KEY"], ["--api-key", "WANDB_API_KEY"]),
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


VALUES = [
    ({"lr": 0.1, "api_key": "abc", "n": 3}, {"lr": 0.1, "api_key": MARK, "n": 3}, 1),
    ({"secrets": {"user": "ann", "ports": [1, "x80"]}}, {"secrets": {"user": MARK, "ports": [1, MARK]}}, 2),
    ({"auth": {"user": "me", "hash": RANDOM}}, {"auth": {"user": "me", "hash": MARK}}, 1),
    ({f"key {TOKEN}": 1, "b": 2}, {f"key {MARK}": 1, "b": 2}, 1),
    (
        {f"https://me:{each}@host": each for each in ("aa", "b")},
        {f"https://me:{MARK}@host": "aa", f"https://me:{MARK}@host-2": "b"},
        2,
    ),
    ({"token": 7, "auth": True, "secret": ""}, {"token": 7, "auth": True, "secret": ""}, 0),
    ({"token": "NaN", "auth": "Infinity"}, {"token": "NaN", "auth": "Infinity"}, 0),
    ({"secret": "NaN", "password": "Infinity"}, {"secret": "NaN", "password": "Infinity"}, 0),
    (
        {"secret": "********", "password": "${oc.env:AUTH}"},
        {"secret": "********", "password": "${oc.env:AUTH}"},
        0,
    ),
    ({"secret": MARK}, {"secret": MARK}, 0),
    (["x", {"url": "ftp://me:hunter2@h"}], ["x", {"url": f"ftp://me:{MARK}@h"}], 1),
    ({"kept": {"password": "abc"}, "password": "abc"}, {"kept": {"password": "abc"}, "password": MARK}, 1),
    ({"use_cls_token": "yes", "eos_token": "</s>"}, {"use_cls_token": "yes", "eos_token": "</s>"}, 0),
    ("hunter2", "hunter2", 0),
]


@pytest.mark.parametrize(("value", "expected", "count"), VALUES)
@pytest.mark.parametrize("runtime", ["python", *RUNTIMES])
def test_a_value_goes_by_its_keys(runtime, value, expected, count):
    """
    The texts below a key of a secret are cut, and nothing else; ``kept`` is allowed.
    """
    redacted = (
        redaction.redacted_value(value, allow=["kept"])
        if runtime == "python"
        else Lua(runtime).value(value, ["kept"])
    )

    assert redacted == (expected, count)


def json_values():
    texts = st.sampled_from([*corpus.SECRET_KEYS, *corpus.INNOCENT_KEYS, *corpus.INNOCENT_TEXTS]) | st.text()
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)


@given(value=json_values())
def test_the_structure_of_a_value_stays(value):
    """
    All that is no text too, and what is allowed as a whole.
    """
    redacted, count = redaction.redacted_value(value)

    assert _shape(redacted) == _shape(value)
    assert redaction.redacted_value(redacted) == (redacted, 0)
    assert (count == 0) == (redacted == value)
    assert redaction.redacted_value({"password": value}, allow="password") == ({"password": value}, 0)


def _shape(value):
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value]
    return "text" if isinstance(value, str) and value else value


def test_files_that_hold_secrets_are_known_by_their_names():
    """
    And a program that is called secrets.py is none of them.
    """
    assert [path for path in corpus.SECRET_FILES if not redaction.is_secret_file(path)] == []
    assert [path for path in corpus.INNOCENT_FILES if redaction.is_secret_file(path)] == []


@pytest.mark.parametrize("size", [1, 60])
def test_the_changes_of_binary_files_stay(size):
    """
    They are compressed, and a letter of them that was cut would break the patch.
    """
    token = corpus.TOKENS["openai"].encode()
    patch = b"GIT binary patch\nliteral 52\nz" + token + b"\n" * size + b"\n"

    assert redaction.redacted_bytes(b"+x\n" + patch + b"+" + token) == (b"+x\n" + patch + b"+[redacted]", 1)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://TOKEN@github.com/me/it.git", f"https://{MARK}@github.com/me/it.git"),
        ("https://me:TOKEN@github.com/it", f"https://me:{MARK}@github.com/it"),
        ("ssh://git@github.com/me/it.git", "ssh://git@github.com/me/it.git"),
        ("git@github.com:me/it.git", "git@github.com:me/it.git"),
        ("https://h/x?page=2&api_key=abc", f"https://h/x?page=2&api_key={MARK}"),
        ("https://h/x?page=2", "https://h/x?page=2"),
        ("/srv/git/it.git", "/srv/git/it.git"),
    ],
)
def test_an_address_goes_without_its_token(url, expected):
    """
    Over http a user alone is a token; ssh needs its user.
    """
    assert redaction.redacted_url(url) == (expected, int(MARK in expected))
    assert redaction.redacted_url(expected) == (expected, 0)


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
    assert lua.strength(whole) == secret_names.strength_of_name(whole)


def _lua(made=[]):  # noqa: B006 - one for all examples
    if not made:
        made.append(Lua("luajit21"))
    return made[0]
