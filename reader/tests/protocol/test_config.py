"""Settings: where they come from, and which wins."""

import os
import pwd

import pytest
from lab_workbook import config
from lab_workbook.errors import ConfigurationError


@pytest.fixture
def file(isolation):
    """Write the configuration file of the user."""
    return lambda text: (isolation / ".lab-workbook-config").write_bytes(text.encode())


def test_without_any_setting_experiments_go_to_the_home_folder(isolation):
    """
    And every other setting has its default.
    """
    loaded = config.load()

    assert str(loaded.bucket_prefix) == f"file://{isolation}/lab-workbook/"
    assert loaded.spool_dir == f"{isolation}/.local/state/lab-workbook/"
    assert loaded.cache_dir == f"{isolation}/.cache/lab-workbook/"
    assert loaded.cache_bytes == 5_000_000_000
    assert (loaded.upload_every, loaded.exit_timeout, loaded.exit_max) == (10, 30, 300)
    assert (loaded.endpoint_url, loaded.profile, loaded.region, loaded.uploader) == (None, None, None, "auto")


def test_copies_lie_where_the_system_wants_them(file, monkeypatch):
    """
    Unless the user has said otherwise; a folder that is not absolute is none (basedir-spec).
    """
    monkeypatch.setenv("XDG_CACHE_HOME", "/scratch/cache")
    from_system = config.load()
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    from_default = config.load()
    file("cacheDir = ~/copies\n")
    from_file = config.load()

    assert from_system.cache_dir == "/scratch/cache/lab-workbook/"
    assert from_default.cache_dir.endswith("/.cache/lab-workbook/")
    assert from_file.cache_dir.endswith("/copies/")


def test_spools_lie_where_the_system_wants_them(file, monkeypatch, isolation):
    """
    The default of earlier versions is looked into as well, as long as it exists.
    """
    monkeypatch.setenv("XDG_STATE_HOME", "/scratch/state")
    from_system = config.load()
    before = config.spool_dirs(from_system)
    (isolation / ".local/state/lab-workbook").mkdir(parents=True)
    after = config.spool_dirs(from_system)
    file("spoolDir = /own\n")

    assert from_system.spool_dir == "/scratch/state/lab-workbook/"
    assert config.sources()["spool_dir"] == "~/.lab-workbook-config"
    assert before == ["/scratch/state/lab-workbook/"]
    assert after == [*before, f"{isolation}/.local/state/lab-workbook/"]
    assert config.spool_dirs(config.load()) == ["/own/"]


@pytest.mark.parametrize("home", [None, "", "relative"])
def test_without_a_home_that_of_the_user_counts(monkeypatch, home):
    """
    As a shell without HOME has it; no configuration is read, and nothing is relative to it.
    """
    monkeypatch.delenv("HOME")
    if home is not None:
        monkeypatch.setenv("HOME", home)
    users = pwd.getpwuid(os.getuid()).pw_dir

    loaded = config.load({"bucket_prefix": "/runs"})

    assert loaded.spool_dir == f"{users}/.local/state/lab-workbook/"
    assert config.load({"bucket_prefix": "/runs", "spool_dir": "~/x"}).spool_dir == f"{users}/x/"


def test_a_home_of_another_user_is_refused_in_a_folder():
    """
    It is not looked up, in neither language.
    """
    with pytest.raises(ConfigurationError, match="write the whole path instead of '~user'"):
        config.load({"cache_dir": "~root/x"})


@pytest.mark.parametrize("given", [-1, "much", "nan", 2**63, ""])
def test_a_size_is_a_number_of_bytes(given):
    assert config.load({"cache_bytes": "0"}).cache_bytes == 0
    assert config.load({"cache_bytes": 10**12}).cache_bytes == 10**12
    with pytest.raises(ConfigurationError, match=r"bytes|empty"):
        config.load({"cache_bytes": given})


def test_an_argument_wins_over_the_environment_over_the_file(file, monkeypatch):
    """
    Each where the one before it is silent.
    """
    file("bucketPrefix = /file\nregion = file\nprofile = file\n")
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", "/environment")
    monkeypatch.setenv("LAB_WORKBOOK_REGION", "environment")

    loaded = config.load({"bucket_prefix": "/argument"})

    assert (loaded.bucket_prefix.path, loaded.region, loaded.profile) == ("/argument/", "environment", "file")


def test_what_is_empty_or_none_is_not_set(file, monkeypatch):
    """
    A script of a job often sets a variable to nothing.
    """
    file("region = file\nprofile =\n")
    monkeypatch.setenv("LAB_WORKBOOK_REGION", "")

    loaded = config.load({"region": None})

    assert (loaded.region, loaded.profile) == ("file", None)


@pytest.mark.parametrize("field", ["bucket_prefix", "region", "spool_dir", "upload_every"])
def test_an_empty_argument_is_refused(file, field):
    """
    It is a mistake of the script, such as a variable that it read itself, and a default would hide it.
    """
    file("bucketPrefix = /file\nregion = file\n")

    with pytest.raises(ConfigurationError, match=r"empty|a number of seconds"):
        config.load({field: ""})


def test_a_path_object_is_a_prefix(tmp_path):
    """
    People hold their folders as such.
    """
    assert config.load({"bucket_prefix": tmp_path}).bucket_prefix.path == f"{tmp_path}/"


def test_lines_are_keys_and_values():
    """
    With comments, a byte order mark, and the line ends of other systems.
    """
    text = "\ufeff# where\r\n  bucketPrefix  =  s3://b,ucket/a=b # c%20\r\n\r\n; more\n\tregion=eu\t\n"

    assert config.parse(text, "file") == {"bucketPrefix": "s3://b,ucket/a=b # c%20", "region": "eu"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[general]", "no sections"),
        ("bucketPrefix: s3://b/", "no ':'"),
        ("bucketPrefix", "not `key = value`"),
        ("= x", "not `key = value`"),
        ("bucket prefix = x", "not `key = value`"),
        ("bucketPrefix = 'x'", "without quotes"),
        ('bucketPrefix = "x"', "without quotes"),
        ("region = a\nregion = b", "a second time"),
    ],
)
def test_a_line_that_is_none_is_named(line, why):
    """
    With its number and where it stands.
    """
    number = line.count("\n") + 2

    with pytest.raises(ConfigurationError, match=why) as refused:
        config.parse(f"# comment\n{line}\n", "~/.lab-workbook-config")

    assert f"~/.lab-workbook-config, line {number}" in str(refused.value)


def test_an_unknown_key_is_said_once_and_sets_nothing(file, capsys, isolation):
    """
    Also one in another letter case.
    """
    file("bucketprefix = /x\ntag = 2016\n")

    config.load()
    config.load()

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all("sets nothing" in line and str(isolation) in line for line in said)


@pytest.mark.parametrize("value", ["-1", "soon", "nan", "1e300"])
def test_times_are_seconds(monkeypatch, value):
    """
    The message names the variable that set it.
    """
    monkeypatch.setenv("LAB_WORKBOOK_EXIT_MAX", value)

    with pytest.raises(ConfigurationError, match="LAB_WORKBOOK_EXIT_MAX"):
        config.load()


@pytest.mark.parametrize(
    "arguments",
    [{"uploader": "ftp"}, {"region": 5}, {"bucket_prefix": 5}, {"exit_max": [1]}, {"spool_dir": 3}],
)
def test_arguments_of_another_type_are_named(arguments):
    """
    By the name that the caller used.
    """
    with pytest.raises(ConfigurationError, match=next(iter(arguments))):
        config.load(arguments)


def test_a_file_that_cannot_be_read_is_no_default(isolation):
    """
    Else a typing error sends experiments elsewhere.
    """
    (isolation / ".lab-workbook-config").write_bytes(b"bucketPrefix = \xff")

    with pytest.raises(ConfigurationError, match="cannot be read"):
        config.load()


@pytest.mark.parametrize(("value", "disabled"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_a_variable_switches_all_writing_off(monkeypatch, value, disabled):
    """
    0 and nothing leave it on.
    """
    monkeypatch.setenv("LAB_WORKBOOK_DISABLED", value)

    assert config.is_disabled() is disabled


@pytest.mark.parametrize(
    ("field", "value", "known"),
    [
        ("addressing_style", "paths", "auto, path, virtual"),
        ("server_side_encryption", "kms", "AES256, aws:kms, aws:kms:dsse"),
        ("acl", "everyone", "private, public-read"),
    ],
)
def test_a_choice_is_one_of_those_that_exist(field, value, known):
    """
    S3 would say so only when the first object is sent.
    """
    with pytest.raises(ConfigurationError, match=f"it is one of {known}"):
        config.load({field: value})


def test_a_key_needs_an_encryption_that_uses_it():
    """
    Of two settings that contradict each other neither can be meant.
    """
    with pytest.raises(ConfigurationError, match="uses no key of KMS"):
        config.load({"kms_key_id": "alias/lab", "server_side_encryption": "AES256"})

    assert config.load({"kms_key_id": "alias/lab"}).kms_key_id == "alias/lab"
