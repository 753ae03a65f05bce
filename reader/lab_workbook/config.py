"""
Settings: argument, else environment, else ``~/.lab-workbook-config``, else the default.

The file is read alike by both languages::

    # where experiments go
    bucketPrefix = s3://my-bucket/experiments/

Keys are spelled in camelCase there and in Lua, in snake_case in Python, and in capitals in the
environment: ``bucketPrefix``, ``bucket_prefix``, ``LAB_WORKBOOK_BUCKET_PREFIX``.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lab_workbook.errors import ConfigurationError, warn
from lab_workbook.protocol import _spec, prefix


class Config(NamedTuple):
    """
    Every setting, checked. Times are in seconds, folders absolute and with a final slash.

    ``spool_dir`` and ``cache_dir`` are empty where their default needs a home directory and there is none.
    """

    bucket_prefix: prefix.Prefix
    endpoint_url: str | None
    profile: str | None
    region: str | None
    addressing_style: str
    server_side_encryption: str | None
    kms_key_id: str | None
    storage_class: str | None
    acl: str | None
    upload_every: float
    exit_timeout: float
    exit_max: float
    uploader: str
    spool_dir: str
    cache_dir: str
    cache_bytes: int
    redact: str | None

    def required_spool_dir(self) -> str:
        """
        Return ``spool_dir``.

        Raises:
            ConfigurationError: nothing sets it, and there is no home directory for its default.
        """
        if not self.spool_dir:
            raise ConfigurationError(
                "neither spoolDir nor HOME is set: give spool_dir=..., or set LAB_WORKBOOK_SPOOL_DIR"
            )
        return self.spool_dir


def load(arguments: Mapping[str, object] | None = None) -> Config:
    """
    Gather the settings; an argument that is None was not given.

    >>> load({"bucket_prefix": "~/runs"}).upload_every
    10

    Raises:
        ConfigurationError: a setting cannot be used; the message says where it was set.
    """
    loaded = Config(**{field: _checked(field, name, value) for field, name, value, _ in _find(arguments)})
    _check_encryption(loaded)
    return loaded


def sources(arguments: Mapping[str, object] | None = None) -> dict[str, str]:
    """
    Return in words where each setting comes from that is not at its default.

    >>> sources({"region": "eu-central-1"})
    {'bucket_prefix': '~/.lab-workbook-config', 'region': 'an argument'}
    """
    return {field: origin for field, _, _, origin in _find(arguments) if origin is not None}


def spool_dirs(settings: Config) -> list[str]:
    """
    Return the folders in which spools may wait: ``spool_dir``, and the default of earlier versions.

    Those did not know ``XDG_STATE_HOME``, and their spools must not be left behind.
    """
    folders = [settings.required_spool_dir()]
    if sources().get("spool_dir") == _HOMES["spoolDir"]:
        default = _folder("spoolDir", str(_spec.CONFIG_DEFAULTS["spoolDir"]))
        folders += [default] if default not in folders and os.path.isdir(default) else []
    return folders


def is_disabled() -> bool:
    """Say whether ``LAB_WORKBOOK_DISABLED=1`` makes every verb of a writer a no-op."""
    return os.environ.get(_spec.CONFIG_DISABLED, "") not in ("", "0")


def snake_case(key: str) -> str:
    """Return a key as Python spells it: ``bucketPrefix`` gives ``bucket_prefix``."""
    return re.sub("[A-Z]", lambda capital: "_" + capital.group().lower(), key)


def parse(text: str, origin: str) -> dict[str, str]:
    """
    Read the lines of a configuration (rule ``config.grammar``).

    Raises:
        ConfigurationError: a line is not ``key = value``; names the line.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        stripped = line.strip(" \t\r")
        if not stripped or stripped[0] in "#;":
            continue
        key, equals, value = (part.strip(" \t") for part in stripped.partition("="))
        where = f"{origin}, line {number}: {stripped!r}"
        if not equals or not _KEY.fullmatch(key):
            raise _no_setting(f"{where} is not `key = value`; there are no sections and no ':'")
        if value[:1] in ("'", '"'):
            raise _no_setting(f"{where}: write the value without quotes")
        if key in values:
            raise _no_setting(f"{where}: {key} is set a second time; delete one of the lines")
        values[key] = value
    return values


def _no_setting(message: str) -> ConfigurationError:
    return ConfigurationError(message, rule="config.grammar")


# Storage classes are not among them: servers other than AWS have their own.
_CHOICES = {
    "uploader": _spec.CONFIG_UPLOADERS,
    "addressing_style": _spec.CONFIG_ADDRESSING_STYLES,
    "server_side_encryption": _spec.CONFIG_ENCRYPTIONS,
    "acl": _spec.CONFIG_ACLS,
}
_FOLDERS = ("spool_dir", "cache_dir")
_PLAIN_ENCRYPTION = "AES256"
# Where the system wants some things: https://specifications.freedesktop.org/basedir-spec/.
_HOMES = {"spoolDir": _spec.CONFIG_STATE_HOME, "cacheDir": _spec.CONFIG_CACHE_HOME}
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_warned: set[str] = set()


def _find(arguments: Mapping[str, object] | None) -> Iterator[tuple[str, str, Any, str | None]]:
    """Give each field with the name and the value that count for it, and where they come from."""
    file = _read_file()
    for key, default in _spec.CONFIG_DEFAULTS.items():
        field = snake_case(key)
        variable = _spec.CONFIG_ENVIRONMENT_PREFIX + field.upper()
        places: tuple[tuple[str, Mapping[str, Any], str], ...] = (
            (field, arguments or {}, "an argument"),
            (variable, os.environ, variable),
            (key, file, _spec.CONFIG_FILE),
            (key, _system_folders(), _HOMES.get(key, "")),
        )
        yield next(
            (
                (field, name, place[name], origin)
                for name, place, origin in places
                # An empty argument is a mistake of the script, which a default would hide.
                if place.get(name) is not None and (place[name] != "" or place is arguments)
            ),
            (field, key, default, None),
        )


def _read_file() -> dict[str, str]:
    home = os.environ.get("HOME", "")
    if not os.path.isabs(home):
        return {}
    path = _spec.CONFIG_FILE.replace("~", home, 1)
    try:
        with open(path, encoding="utf-8", newline="") as file:
            values = parse(file.read(), path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, UnicodeDecodeError) or os.access(home, os.X_OK):
            raise ConfigurationError(f"{path} cannot be read: {error}") from None
        # A container often has the home directory of a user that it does not run as.
        _warn_once(home, f"HOME = {home} cannot be entered ({error.strerror}), so {path} is not read")
        return {}
    for key in values.keys() - _spec.CONFIG_DEFAULTS.keys():
        known = ", ".join(_spec.CONFIG_DEFAULTS)
        _warn_once(key, f"{path}: unknown key {key!r} sets nothing (known: {known})")
    return values


def _warn_once(about: str, message: str) -> None:
    if about not in _warned:
        _warned.add(about)
        warn(message)


def _system_folders() -> dict[str, str]:
    """Return the folders of the settings that have one in a place that the system names."""
    homes = {key: os.environ.get(name, "") for key, name in _HOMES.items()}
    # One that is not absolute is to be ignored, says the specification.
    return {
        key: os.path.join(home, _spec.PROTOCOL_NAME) for key, home in homes.items() if os.path.isabs(home)
    }


def _folder(name: str, path: str) -> str:
    """Return a folder as an absolute path; an empty text for one in a home directory that does not exist."""
    if path.startswith("~"):
        if path != "~" and not path.startswith("~/"):
            raise ConfigurationError(f"{name} = {path!r}: write the whole path instead of '~user'")
        home = _home()
        path = home and home + path[1:]
    return path and prefix.parse(path if os.path.isabs(path) else f"./{path}").path


def _home() -> str:
    """Return the home directory: HOME, or that of the user where HOME is not an absolute path."""
    home = os.environ.get("HOME", "")
    if not os.path.isabs(home):
        # Windows has no such module, and a container no such user.
        with contextlib.suppress(ImportError, KeyError):
            import pwd

            home = pwd.getpwuid(os.getuid()).pw_dir
    return home if os.path.isabs(home) else ""


def _checked(field: str, name: str, value: Any) -> Any:
    default = _spec.CONFIG_DEFAULTS[_CAMEL[field]]
    if value is None:
        return None
    if field == "bucket_prefix":
        return value if isinstance(value, prefix.Prefix) else prefix.parse(_text(name, value))
    if value == "":
        raise ConfigurationError(f"{name} = '': it must not be empty; leave it out for the default")
    if field in _FOLDERS:
        folder = _folder(name, _text(name, value))
        if not folder and value != default:
            raise ConfigurationError(f"{name} = {value!r}: HOME is not set, so '~' means nothing here")
        return folder
    if field == "redact":
        return _pattern(name, _text(name, value))
    if field == "cache_bytes":
        return int(_number(name, value, "bytes", 2**63))
    if isinstance(default, int):
        return _number(name, value, "seconds", 10**9)
    text = _text(name, value)
    if text not in _CHOICES.get(field, (text,)):
        raise ConfigurationError(f"{name} = {text!r}: it is one of {', '.join(_CHOICES[field])}")
    return text


def _check_encryption(loaded: Config) -> None:
    if loaded.kms_key_id is not None and loaded.server_side_encryption == _PLAIN_ENCRYPTION:
        raise ConfigurationError(
            f"kmsKeyId = {loaded.kms_key_id!r}: serverSideEncryption = {_PLAIN_ENCRYPTION} uses no key"
            " of KMS; leave one of them out"
        )


def _text(name: str, value: object) -> str:
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value) if isinstance(os.fspath(value), str) else os.fsdecode(value)
    raise ConfigurationError(f"{name} = {value!r}: it must be a text")


def _pattern(name: str, value: str) -> str:
    from lab_workbook.protocol import secret_patterns

    try:
        secret_patterns.parse(value)
    except ValueError as problem:
        raise ConfigurationError(
            f"{name} = {value!r}: {problem}; docs/secrets.md has the signs that are known"
        ) from None
    return value


def _number(name: str, value: Any, unit: str, limit: int) -> float:
    try:
        number = -1.0 if _is_odd_number(value) else float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < limit:
        raise ConfigurationError(f"{name} = {value!r}: it must be a number of {unit}, 0 or more")
    return number


def _is_odd_number(value: object) -> bool:
    """Return whether Python alone takes this for a number: true, 1_000 and digits of other scripts."""
    return isinstance(value, bool) or (isinstance(value, str) and ("_" in value or not value.isascii()))


_CAMEL = {snake_case(key): key for key in _spec.CONFIG_DEFAULTS}
