"""
What is mutated: the modules of our two writers that decide which bytes lie in a folder.

A function, or a line, is left out only where levels core and git cannot reach what it does; why stands here.
What has no part in a folder at all (the spool, the uploader, models) is no subject; it has tests of its own,
and so has what the source is, in tests/source.
"""

from __future__ import annotations

_FORK = "only a forked child calls it: tests/exits"
_DISK = "only a full disk or a power loss shows it: tests/faults, python_writer/tests"
_CLOSED = "only a script that closes descriptors which it does not know shows it: test_append_file.py"
_START = "what a script is started with is the kit's own choice: tests/faults/test_start.py"
_READER = "a reader's or the uploader's, and no writer's"
_NUMPY = "for scalars of numpy and tensors, which no adapter can be asked to log"
_WORDS = "words to people"
_ENDS = "how an interpreter ends, which is not the adapter's to choose: tests/exits"
_S3 = "about buckets: level s3"
_RETURNED = "what it returns is for the script: test_close.py"
_BIAS = "it would show in thousands of tags, not in twenty: test_tags.py, lua/tests/test_tag.py"
_PATH = "an adapter gives bytes, and chooses the path itself: lua/tests"
_BOTH_WAYS = "a table and keywords in one call are only Python's: test_series_log.py"
_KEY = "keys that are no texts or numbers are only Python's: reader/tests/protocol"
_FFI = "64-bit integers of LuaJIT's FFI, which no adapter can be asked to log: lua/tests/test_cells.py"
_NULL = "our null and lua-cjson's, which no adapter can be asked to log: lua/tests/test_json.py"
_DOT = "calls with a dot, or without options, are only Lua's: lua/tests/test_workbook.py"
_LOCALE = "only where the system has a locale with a comma: lua/tests/test_numbers.py"
_NO_VERB = "no verb of an adapter: python_writer/tests, lua/tests"
_SECRETS = "no case of the kit holds what looks like a secret: tests/secrets"
_RANKS = "a training on several processes is no world of the kit: test_ranks.py, tests/frameworks"
_TYPES = "for type checkers alone"
_PLAIN = "an adapter gives JSON, and no objects of Python's libraries: test_plain.py"
_COPIED = "a copy in another process: python_writer/tests/test_fork.py"
_SORTED = "rule json.tables, about tables that only Lua has: lua/tests"

_READER_FOLDER = "reader/lab_workbook/"
_PYTHON_FOLDER = "python_writer/lab_workbook_writer/"
_LUA_FOLDER = "lua/lab-workbook/"

PYTHON: dict[str, dict[str, str]] = {
    f"{_READER_FOLDER}config.py": {
        "sources": _READER,
        "_no_setting": _WORDS,
        "_check_encryption": _S3,
        "_check_encryption(loaded)": _S3,
        'if value == "":': "about settings of a bucket; an empty prefix is refused elsewhere",
        "_warn_once": _WORDS,
        "Config.required_spool_dir": _S3,
        "spool_dirs": _S3,
        "_folder": _S3,
        "_home": _START,
        "if not os.path.isabs(home):": _START,
        "if isinstance(error, UnicodeDecodeError) or os.access(home, os.X_OK):": _START,
        '(field, arguments or {}, "an argument"),': _WORDS,
        "_number": _S3,
        'return _number(name, value, "seconds", 10**9)': _S3,
        'home = os.environ.get("HOME", "")': _START,
        "raise ConfigurationError(f\"{name} = {text!r}: it is one of {', '.join(_CHOICES[field])}\")": _S3,
        'raise ConfigurationError(f"{name} = {value!r}: it must be a text")': "messages have texts",
        "if field in _FOLDERS:": _S3,
        "if not folder and value != default:": _S3,
        '_FOLDERS = ("spool_dir", "cache_dir")': _S3,
        'if field == "cache_bytes":': _READER,
        "_system_folders": _READER,
        '(key, _system_folders(), _HOMES.get(key, "")),': _S3,
        '_HOMES = {"spoolDir": _spec.CONFIG_STATE_HOME, "cacheDir": _spec.CONFIG_CACHE_HOME}': _S3,
    },
    f"{_READER_FOLDER}protocol/cells.py": {
        "Formats._item": _NUMPY,
        "for base in (float, int, str):": _NUMPY,
        "_no_rule": _WORDS,
    },
    f"{_READER_FOLDER}protocol/documents.py": {
        "read_begin": _READER,
        "read_end": _READER,
        "_object": _READER,
        "moment": _READER,
    },
    f"{_READER_FOLDER}protocol/jsontext.py": {
        "decode": _READER,
        "_CONVERSIONS = 4": _PLAIN,
        "for _ in range(_CONVERSIONS):": _PLAIN,
        "item = convert(item)": _PLAIN,
        "_item": _NUMPY,
        "if key is None or isinstance(key, bool):": _KEY,
        "return json.dumps(key)": _KEY,
        'raise InvalidValue("json.keys",'
        ' f"a key must be a text or a number, not {type(key).__name__}")': _KEY,
    },
    f"{_READER_FOLDER}protocol/names.py": {"is_safe_path": _READER, "_shown": _WORDS},
    f"{_READER_FOLDER}protocol/prefix.py": {
        "_bucket": _S3,
        'if name == "s3":': _S3,
        "return _bucket(rest, text)": _S3,
        "_misspelt": _WORDS,
    },
    f"{_READER_FOLDER}protocol/tags.py": {
        "_UNBIASED = 256 - 256 % len(_spec.TAG_ALPHABET)": _BIAS,
        "if byte < _UNBIASED": _BIAS,
    },
    f"{_READER_FOLDER}protocol/text.py": {"printable": _READER, "_printable": _READER},
    f"{_PYTHON_FOLDER}append_file.py": {
        "_OUT_OF_THE_WAY = 512": _CLOSED,
        "_CLOSED = -1": _CLOSED,
        "_closings: ClassVar[int] = 0": _CLOSED,
        "self._closings_seen = 0": _CLOSED,
        "or self._closings_seen != AppendFile._closings": _CLOSED,
        "self._closings_seen = AppendFile._closings": _CLOSED,
        "if self._descriptor < 0 or identity(self._descriptor) != self._identity:": _CLOSED,
        "self._identity = (0, 0)": _CLOSED,
        "self._identity = identity(self._descriptor)": _CLOSED,
        "self._descriptor < 0": _CLOSED,
        "or self._torn_at is not None": _DISK,
        "if self._torn_at is not None:": _DISK,
        "self._cut(self._torn_at)": _DISK,
        "self._cut(os.fstat(self._descriptor).st_size - written)": _DISK,
        "raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))": _DISK,
        "except OSError as error:": _CLOSED,
        "self._reopen(error)": _CLOSED,
        "AppendFile.close": "what is left open shows to nobody who looks at files: test_append_file.py",
        "AppendFile.sync": _DISK,
        "AppendFile.forget": _FORK,
        "if not own_page[0]:": _FORK,
        "AppendFile._reopen": _CLOSED,
        "AppendFile._cut": _DISK,
        "out_of_the_way": _CLOSED,
        "identity": _CLOSED,
        "sync": _DISK,
    },
    f"{_PYTHON_FOLDER}folder.py": {
        "Folder.flush": _DISK,
        "Folder.look": _S3,
        "raise refused(self.root, error, _ADVICE) from error": _DISK,
        "Folder.after_fork": _FORK,
        "except OSError as error:": _DISK,
        "ending.lost[_spec.LOSS_ARTIFACTS] += 1": _DISK,
        "if facts is None:": _DISK,
        "return True": _RETURNED,
        "self.sync()": _DISK,
    },
    f"{_PYTHON_FOLDER}lifecycle.py": {
        "Watch.stop": _ENDS,
        "_LONGEST_MESSAGE: Final = 2000": "no rule says how much of a message is kept: test_lifecycle.py",
        "_of_status": _ENDS,
        "_Exit": _ENDS,
        "_LastWord": _ENDS,
        "_Hook": _ENDS,
        "_on_exception": _ENDS,
        "_on_exit": _ENDS,
        "Watch.belongs_to": _ENDS,
        "Watch.unasked": _ENDS,
        "Watch._session_error": _ENDS,
        "_warn_of_open": _ENDS,
        "forks.check()": _FORK,
        "_after_fork": _FORK,
    },
    f"{_PYTHON_FOLDER}losses.py": {
        "Losses.say_once": _WORDS,
        "Losses.after_fork": _FORK,
        "Losses.add_secrets": _SECRETS,
    },
    f"{_PYTHON_FOLDER}place.py": {
        "Place": "a protocol for the type checker",
        "Nowhere.flush": _RETURNED,
        "self._notice()": _WORDS,
        "Nowhere.end": _RETURNED,
        "Tree.sync": _DISK,
        "Tree.reopen_series": _CLOSED,
        "descriptor = -1": _DISK,
        "self._unsynced.add(path)": _DISK,
        "remove(path)": _DISK,
        "if error.errno not in _NO_LINKS:": "a file system without hard links: test_new_experiment.py",
        "if descriptor >= 0:": _DISK,
        "os.close(descriptor)": _DISK,
        "except BaseException:": _DISK,
        "refused": _WORDS,
        "_sync": _DISK,
    },
    f"{_PYTHON_FOLDER}series_log.py": {
        "TimeSeriesLog._unknown": _WORDS,
        "_copied": _COPIED,
        "for field in more:": _BOTH_WAYS,
        "if field in row:": _BOTH_WAYS,
        "except OSError as error:": _DISK,
        'self._losses.add(_spec.LOSS_ROWS, f"{self.name!r}: {error}")': _DISK,
        "return {**row, **more} if more else row": _BOTH_WAYS,
        "self._look()": _S3,
        "forks.check()": _FORK,
    },
    f"{_PYTHON_FOLDER}workbook.py": {
        "Workbook.save_torch": "level models",
        "Workbook.save_t7": "level models",
        "if TYPE_CHECKING:": _TYPES,
        "forks.check()": _FORK,
        "if not own_page[0]:": _FORK,
        "Workbook.tag": _RANKS,
        'self._losses = Losses("; said only once") if guest else Losses()': _RANKS,
        "if guest is not None:": _RANKS,
        "guest.say = self._losses.say_once": _RANKS,
        "_copied": _COPIED,
        'self._losses.say_once(f"git {note}", f"save_git_status: {note}")': _WORDS,
        "Workbook.save_tensors": _NO_VERB,
        "Workbook.save_figure": _NO_VERB,
        "Workbook.save_environment": _NO_VERB,
        "Workbook.log": _NO_VERB,
        "Workbook.capture_output": _NO_VERB,
        "Workbook.sample_system": _NO_VERB,
        "Workbook._hint_at_pickle": "level models",
        "Workbook._append_file": _RANKS,
        "Workbook._take_over": _RANKS,
        "if self._guest is None:": _RANKS,
        "self._sampler.stop()": _NO_VERB,
        "self._output.stop()": _NO_VERB,
        "Workbook._look": _S3,
        "self.watch.stop()": _ENDS,
        "except OSError as error:": _DISK,
        "return False": _DISK,
        "return True": "`move` is no verb of an adapter: test_handover.py",
        "Workbook.flush": _DISK,
        "Workbook._after_fork": _FORK,
        "Workbook._say_forked": _FORK,
        'warn(f"{path!r} cannot be made just now ({error}): it is tried again with each row")': _DISK,
    },
    f"{_PYTHON_FOLDER}opening.py": {
        'return Workbook(chosen, Nowhere("disabled:", lambda: None))': _WORDS,
        "if TYPE_CHECKING:": _TYPES,
        'if loaded.bucket_prefix.kind == "s3":': _S3,
        "place.look_for(resumes)": _WORDS,
        "if own_rank is not None and own_rank.number:": _RANKS,
        "_as_guest": _RANKS,
        "_as_host": _RANKS,
        "if system_metrics is not None:": _NO_VERB,
        "_announce": _WORDS,
        "_announce(chosen, place.where)": _WORDS,
        "workbook.watch.belongs_to(session.current_run(), chosen)": _WORDS,
    },
}

LUA: dict[str, dict[str, str]] = {
    f"{_LUA_FOLDER}appendfile.lua": {
        "blank": _DISK,
        "AppendFile:close": _DISK,
        "streams.reserve()": _START,
        "if size > sizelimit.bytes then return nil, sizelimit.PROBLEM end": _START,
    },
    f"{_LUA_FOLDER}cells.lua": {"integer": _FFI},
    f"{_LUA_FOLDER}config.lua": {
        "amount": _S3,
        "folder": _S3,
        "if key == 'cacheBytes' then return amount(name, value, 'bytes', 2^63) end": _READER,
        "if type(spec.CONFIG_DEFAULTS[key]) == 'number'"
        " then return amount(name, value, 'seconds', 1e9) end": _S3,
        "checkEncryption": _S3,
        "local PLAIN_ENCRYPTION = 'AES256'": _S3,
        "if spec.CONFIG_DEFAULTS[key] == nil then": _WORDS,
        "warnOnce": _WORDS,
        "isFile": _START,
        "systemFolder": _S3,
        "if home:sub(1, 1) ~= '/' then return {} end": _START,
        "if not file and not isFile(path) then": _START,
        "table.sort(keys, text.before)": _WORDS,
        "if value == '' then": "about settings of a bucket; an empty prefix is refused elsewhere",
    },
    f"{_LUA_FOLDER}dates.lua": {},
    f"{_LUA_FOLDER}files.lua": {
        "clone": "a quicker way to the same copy",
        "files.move": "`move` is no verb of an adapter: lua/tests",
        "if #data > sizelimit.bytes then return nil, sizelimit.PROBLEM end": _START,
        "if (files.size(source) or 0) > sizelimit.bytes then return nil, sizelimit.PROBLEM end": _START,
        "if done and not problem then return true end": _DISK,
        "os.remove(path)": _DISK,
    },
    f"{_LUA_FOLDER}folder.lua": {
        "Folder:flush": _DISK,
        "ending.lost[spec.LOSS_ARTIFACTS] = ending.lost[spec.LOSS_ARTIFACTS] + 1": _DISK,
        "syncWithin": _DISK,
        "if not done then errors.warn(('the end could not be written to %s: %s'):format("
        "self.root, problem)) end": _WORDS,
    },
    f"{_LUA_FOLDER}init.lua": {
        "checkOptions": _WORDS,
        "optionsOf": _DOT,
        "options = optionsOf(self, options)": _DOT,
    },
    f"{_LUA_FOLDER}json.lua": {
        "places": _SORTED,
        "local SPARSE_RATIO, SPARSE_SAFE = 2, 10": _SORTED,
        "return (number(key):gsub('\"', ''))": _SORTED,
    },
    f"{_LUA_FOLDER}lifecycle.lua": {
        "finishAll": _ENDS,
        "sentinel": _ENDS,
        "currentScript": _WORDS,
        "warnOfOpen": _WORDS,
        "if object:isRecording() then warnOfOpen(script) end": _WORDS,
    },
    f"{_LUA_FOLDER}losses.lua": {"Losses:sayOnce": _WORDS, "Losses:addSecrets": _SECRETS},
    f"{_LUA_FOLDER}names.lua": {"table.sort(list, text.before)": _WORDS},
    f"{_LUA_FOLDER}nowhere.lua": {"Nowhere:save": _RETURNED},
    f"{_LUA_FOLDER}numbers.lua": {"dotted": _LOCALE},
    f"{_LUA_FOLDER}prefix.lua": {
        "Prefix:__tostring": _WORDS,
        "bucket": _S3,
        "if scheme == 's3' then return bucket(rest, given) end": _S3,
    },
    f"{_LUA_FOLDER}scalars.lua": {
        "scalars.isNull": _NULL,
        "element": _NUMPY,
        "scalars.item": _NUMPY,
        "scalars.digits": _NUMPY,
    },
    f"{_LUA_FOLDER}series.lua": {
        "refuseRow": _WORDS,
        "refresh()": _LOCALE,
        "return tonumber(('%d'):format(count))": "in a folder saveEvery does nothing: level s3",
    },
    f"{_LUA_FOLDER}shell.lua": {
        "readByFile": "for runtimes without io.popen: make certify",
        "shell.writesToTerminal": _WORDS,
        "shell.hold": _S3,
    },
    f"{_LUA_FOLDER}tag.lua": {
        "local UNBIASED = 256 - 256 % #ALPHABET": _BIAS,
        "if value < UNBIASED and #characters < length then": _BIAS,
    },
    f"{_LUA_FOLDER}text.lua": {"text.shown": _WORDS, "text.before": _SORTED},
    f"{_LUA_FOLDER}tree.lua": {"Tree:sync": _DISK, "Tree.finishFile": _DISK},
    f"{_LUA_FOLDER}workbook.lua": {
        "Workbook:__tostring": _WORDS,
        "Workbook:saveTorch": "level models",
        "Workbook:saveOptions": _NO_VERB,
        "Workbook:saveEnvironment": _NO_VERB,
        "Workbook:optimLogger": _NO_VERB,
        "errors.misuse('kind.replace', ('the path of a file is a text, not %s'):format(type(path)))": _PATH,
        "errors.misuse('kind.replace', ('the options of saveFile are a table, not %s'):format("
        "type(options)))": _PATH,
        "giveAway": "`move` is no verb of an adapter: lua/tests",
        "Workbook:flush": _RETURNED,
        "leaveToParent": _FORK,
        "leaveToParent(self)": _FORK,
        "if self.isForked then return self.place.notice() end": _FORK,
        "Workbook:isRecording": _WORDS,
    },
}
