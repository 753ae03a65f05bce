"""
The constants of the spec.

Generated from spec/v1/spec.json by spec/generate.py: edit that file, then run `make spec`.
"""

from typing import Final

PROTOCOL_NAME: Final = "lab-workbook"
PROTOCOL_VERSION: Final = "1.1"
PROTOCOL_MAJOR: Final = 1
TAG_PATTERN: Final = "[0-9]{12}-[0-9A-Za-z]{10}"
TAG_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TAG_RANDOM_LENGTH: Final = 10
TAG_TIME_FORMAT: Final = "%Y%m%d%H%M"
TAG_MAX_BYTES: Final = 128
NAME_MAX_BYTES: Final = 500
NAME_PART_MAX_BYTES: Final = 255
KIND_JSON_SUFFIX: Final = ".json"
KIND_JSON_CONTENT_TYPE: Final = "application/json"
KIND_SERIES_SUFFIX: Final = ".csv"
KIND_SERIES_CONTENT_TYPE: Final = "text/csv; charset=utf-8"
KIND_TORCH7_SUFFIX: Final = ".t7"
KIND_TORCH7_CONTENT_TYPE: Final = "application/octet-stream"
KIND_PYTORCH_SUFFIX: Final = ".pt"
KIND_PYTORCH_CONTENT_TYPE: Final = "application/octet-stream"
KIND_GIT_COMMIT_SUFFIX: Final = ".git-current-commit"
KIND_GIT_COMMIT_CONTENT_TYPE: Final = "text/plain; charset=utf-8"
KIND_GIT_PATCH_SUFFIX: Final = ".git-patch"
KIND_GIT_PATCH_CONTENT_TYPE: Final = "text/plain; charset=utf-8"
KIND_TEXT_SUFFIX: Final = ""
KIND_TEXT_CONTENT_TYPE: Final = "text/plain; charset=utf-8"
KIND_FILE_SUFFIX: Final = ""
KIND_FILE_CONTENT_TYPE: Final = "application/octet-stream"
GIT_DEFAULT_NAME: Final = "Source"
SERIES_DATE_FIELD: Final = "Date"
SERIES_DATE_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"
SERIES_MISSING: Final = "nil"
SERIES_NAN: Final = "nan"
SERIES_INFINITY: Final = "inf"
SERIES_TRUE: Final = "true"
SERIES_FALSE: Final = "false"
SERIES_INTEGER_MIN: Final = -9223372036854775808
SERIES_INTEGER_MAX: Final = 9223372036854775807
SERIES_EXACT_INTEGER_MAX: Final = 9007199254740992
TEXT_REPLACEMENT: Final = "\ufffd"
JSON_MAX_DEPTH: Final = 512
JSON_NAN: Final = "NaN"
JSON_INFINITY: Final = "Infinity"
JSON_NEGATIVE_INFINITY: Final = "-Infinity"
LAYOUT_RESERVED: Final = ".lab-workbook"
LAYOUT_BEGIN: Final = ".lab-workbook/begin.json"
LAYOUT_END: Final = ".lab-workbook/end.json"
LAYOUT_HEARTBEAT: Final = ".lab-workbook/heartbeat.json"
LAYOUT_SEGMENTS: Final = ".lab-workbook/segments/"
LAYOUT_NOTES: Final = ".lab-workbook/notes/"
LAYOUT_TMP: Final = ".lab-workbook/tmp/"
LAYOUT_QUEUE: Final = ".lab-workbook/queue"
LAYOUT_OUTBOX: Final = ".lab-workbook/outbox/"
LAYOUT_JOURNAL: Final = ".lab-workbook/journal"
LAYOUT_LOCK: Final = ".lab-workbook/lock"
LAYOUT_LOG: Final = ".lab-workbook/log"
OUTCOME_FINISHED: Final = "finished"
OUTCOME_FAILED: Final = "failed"
OUTCOME_INTERRUPTED: Final = "interrupted"
OUTCOME_ENDED: Final = "ended"
STATUS_RUNNING: Final = "running"
STATUS_LOST: Final = "lost"
STATUS_OPEN: Final = "open"
STATUS_UNKNOWN: Final = "unknown"
LOSS_ROWS: Final = "rows"
LOSS_ARTIFACTS: Final = "artifacts"
LOSS_TEXTS: Final = "texts"
LOSS_INTEGERS: Final = "integers"
TIMING_CLAIM_SECONDS: Final = 5
TIMING_POLL_SECONDS: Final = 0.5
TIMING_PUBLISH_SECONDS: Final = 1
TIMING_IDLE_SECONDS: Final = 600
TIMING_HEARTBEAT_SECONDS: Final = 60
TIMING_LOST_SECONDS: Final = 180
CONFIG_FILE: Final = "~/.lab-workbook-config"
CONFIG_ENVIRONMENT_PREFIX: Final = "LAB_WORKBOOK_"
CONFIG_DISABLED: Final = "LAB_WORKBOOK_DISABLED"
CONFIG_DEFAULTS: Final[dict[str, int | str | None]] = {
    "bucketPrefix": "file://~/lab-workbook/",
    "endpointUrl": None,
    "profile": None,
    "region": None,
    "uploadEvery": 10,
    "exitTimeout": 30,
    "exitMax": 300,
    "uploader": "auto",
    "spoolDir": "~/.local/state/lab-workbook/",
}
CONFIG_UPLOADERS: Final = ("auto", "lab-workbook", "aws",)
RULES: Final[dict[str, str]] = {
    "tag.shape": "A tag that a writer makes is a UTC minute, a hyphen and ten random characters of 0-9A-Za-z.",
    "tag.explicit": "A tag that the caller gives is one valid name part of at most 128 bytes.",
    "tag.claim": "A tag is claimed once, by creating begin.json only if it is absent.",
    "prefix.form": "A prefix is s3://bucket[/key/], file:///abs/, file://~/x/, ~/x or a path.",
    "prefix.slash": "A prefix ends with / once it is read.",
    "name.utf8": "A name is valid UTF-8.",
    "name.parts": "The parts of a name between slashes are not empty, not . and not ..",
    "name.characters": "A name has no control characters (00-1F, 7F-9F) and no backslash.",
    "name.edges": "A part of a name does not begin or end with a space, nor end with a dot.",
    "name.length": "A part has at most 255 bytes and an artifact's whole name at most 500.",
    "name.reserved": "A name does not lie under .lab-workbook, in any letter case.",
    "name.unique": "Two artifacts of an experiment do not differ only in ASCII case, and none is a folder of another.",
    "kind.suffix": "An artifact's name is the caller's name and the suffix of its kind.",
    "kind.replace": "Saving a name again replaces the artifact in one step.",
    "series.once": "The name of a series is opened once in an experiment.",
    "series.fields": "The fields of a series are non-empty texts, distinct, at least one, and none is Date.",
    "series.row": "A row names only fields of its series; a field left out is nil.",
    "series.header": "A series is RFC 4180 CSV in UTF-8 with LF, headed by its fields and Date, and appears with its whole header in one step.",
    "series.date": "The last cell of a row is its UTC time as YYYY-MM-DDTHH:MM:SSZ.",
    "series.row-end": "A row ends at an LF outside quotes, and what follows the last row end is not read.",
    "series.append": "The bytes of a series up to its last whole row never change.",
    "series.text": "Text is always quoted, and nothing else ever is.",
    "series.integer": "An integer of 64 bits is written as digits.",
    "series.float": "A float is written with at most 17 significant digits that read back exactly.",
    "series.special": "Not-a-number is nan, infinities are inf and -inf, booleans are true and false, missing is nil.",
    "series.value": "A cell is a text, a number, a boolean or missing; other types have no rule and are refused.",
    "series.save-every": "saveEvery is a whole number of at least 1.",
    "text.mended": "Invalid UTF-8 and NUL in a text are written as U+FFFD, warned of once and counted.",
    "json.strict": "JSON artifacts are strict JSON in UTF-8 without a byte order mark.",
    "json.numbers": "JSON numbers read back exactly.",
    "json.special": "Not-a-number and infinities are the texts NaN, Infinity and -Infinity.",
    "json.depth": "A JSON value is at most 512 levels deep and has no cycle.",
    "json.keys": "No two keys of an object have the same text.",
    "json.value": "A JSON value is made of tables, texts, numbers, booleans and null; other types are refused.",
    "begin.document": "begin.json names protocol, tag, writer, runtime and the time the experiment started.",
    "begin.first": "begin.json is created before any artifact.",
    "begin.version": "A reader refuses an unknown major version and reads what it knows of a minor one.",
    "end.document": "end.json names the time, the outcome, the error, the losses and every published file.",
    "end.last": "end.json is created after everything else, and what it lists never changes.",
    "config.grammar": "The configuration is lines of key = value, with # and ; comment lines.",
}
