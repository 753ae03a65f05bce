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
METRICS_NAME: Final = "metrics"
METRICS_REST: Final = "metrics-rest"
METRICS_STEP: Final = "step"
METRICS_KEY: Final = "name"
METRICS_VALUE: Final = "value"
METRICS_MAX_SERIES: Final = 16
RANKS_MARK: Final = "@rank"
RANKS_FOLDER: Final = ".ranks/"
RANKS_MEET_SECONDS: Final = 2
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
TIMING_REMOVAL_SECONDS: Final = 2
TIMING_HEARTBEAT_SECONDS: Final = 60
TIMING_LOST_SECONDS: Final = 180
SPOOL_ORPHANS_LOCK: Final = ".orphans-lock"
SPOOL_RESERVE_BYTES: Final = 67108864
SPOOL_RESERVE_DIVISOR: Final = 10
SPOOL_SMALL_BYTES: Final = 1048576
SEGMENT_BASE: Final = 16
SEGMENT_DIGITS: Final = 15
SEGMENT_REFRESH_BYTES: Final = 16384
SEGMENT_REFRESH_BUDGET: Final = 2000000
SEGMENT_DELETE_SECONDS: Final = 60
CONFIG_FILE: Final = "~/.lab-workbook-config"
CONFIG_ENVIRONMENT_PREFIX: Final = "LAB_WORKBOOK_"
CONFIG_DISABLED: Final = "LAB_WORKBOOK_DISABLED"
CONFIG_DEFAULTS: Final[dict[str, int | str | None]] = {
    "bucketPrefix": "file://~/lab-workbook/",
    "endpointUrl": None,
    "profile": None,
    "region": None,
    "addressingStyle": "auto",
    "serverSideEncryption": None,
    "kmsKeyId": None,
    "storageClass": None,
    "acl": None,
    "uploadEvery": 10,
    "exitTimeout": 30,
    "exitMax": 300,
    "uploader": "auto",
    "spoolDir": "~/.local/state/lab-workbook/",
    "cacheDir": "~/.cache/lab-workbook/",
    "cacheBytes": 5000000000,
}
CONFIG_UPLOADERS: Final = ("auto", "lab-workbook", "aws",)
CONFIG_ADDRESSING_STYLES: Final = ("auto", "path", "virtual",)
CONFIG_ENCRYPTIONS: Final = ("AES256", "aws:kms", "aws:kms:dsse",)
CONFIG_ACLS: Final = ("private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control",)
