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
GIT_STATE_SUFFIX: Final = ".git-state.json"
GIT_BUNDLE_SUFFIX: Final = ".git-bundle"
GIT_SUBMODULE_INFIX: Final = ".submodule-"
TENSORS_SUFFIX: Final = ".safetensors"
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
RANKS_MEET_SECONDS: Final = 5
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
LAYOUT_SEALED: Final = ".lab-workbook/sealed"
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
LOSS_SECRETS: Final = "secrets"
BEGIN_NONCE_LENGTH: Final = 8
BEGIN_COMMAND_MAX_ARGUMENTS: Final = 200
BEGIN_COMMAND_MAX_ARGUMENT: Final = 1000
BEGIN_COMMAND_CUT: Final = "\u2026"
BEGIN_IMAGE_DIVISOR: Final = 9973
SECRET_MARK: Final = "[redacted]"
SECRET_ROUNDS: Final = 4
SECRET_NAME_MAX: Final = 200
SECRET_KEY_MAX_LINES: Final = 400
SECRET_ANYWHERE: Final = ("password", "passwd", "passphrase", "secret_", "secrets_", "credential_", "credentials_", "_cookie_", "_cookies_", "_authorization_", "_bearer_", "api_key_", "apikey_", "api_keys_", "apikeys_", "access_key_", "accesskey_", "access_keys_", "accesskeys_", "private_key_", "privatekey_", "secret_key_", "secretkey_", "_signing_key_", "_encryption_key_", "_account_key_", "_storage_key_", "_subscription_key_", "_master_key_", "_ssh_key_", "_deploy_key_", "_service_key_", "_consumer_key_", "_client_key_", "_license_key_", "_session_key_", "access_token_", "accesstoken_", "access_tokens_", "auth_token_", "authtoken_", "auth_tokens_", "api_token_", "apitoken_", "api_tokens_", "refresh_token_", "refreshtoken_", "connection_string_", "connectionstring_",)
SECRET_ENDINGS: Final = ("_token_", "_auth_", "_jwt_", "_session_id_", "_sessionid_", "_sid_", "_app_key_", "_openai_key_", "_anthropic_key_", "_wandb_key_", "_hf_key_", "_github_key_", "_amz_signature_", "_db_pwd_", "_database_pwd_", "_user_pwd_", "_mysql_pwd_", "_admin_pwd_", "_root_pwd_",)
SECRET_INNOCENT: Final = ("_eos_token_", "_bos_token_", "_pad_token_", "_cls_token_", "_sep_token_", "_unk_token_", "_mask_token_", "_eot_token_", "_eod_token_", "_eom_token_", "_sos_token_", "_oov_token_", "_special_token_", "_stop_token_", "_start_token_", "_end_token_", "_begin_token_", "_image_token_", "_video_token_", "_audio_token_", "_text_token_", "_class_token_", "_first_token_", "_last_token_", "_next_token_", "_previous_token_", "_prev_token_", "_new_token_", "_per_token_", "_num_token_", "_max_token_", "_min_token_", "_blank_token_", "_empty_token_", "_prompt_token_", "_separator_token_", "_placeholder_token_", "_trigger_token_", "_padding_token_", "_unknown_token_", "_word_token_", "_sub_token_", "_by_token_", "_each_token_", "_multi_token_", "_single_token_", "_register_token_", "_dist_token_", "_distill_token_", "_query_token_", "_newline_token_", "_boi_token_", "_eoi_token_",)
SECRET_SHAPES: Final = (("AKIA", "0-9A-Z", 16, "",), ("ASIA", "0-9A-Z", 16, "",), ("ghp_", "0-9A-Za-z", 30, "",), ("gho_", "0-9A-Za-z", 30, "",), ("ghu_", "0-9A-Za-z", 30, "",), ("ghs_", "0-9A-Za-z", 30, "",), ("ghr_", "0-9A-Za-z", 30, "",), ("github_pat_", "0-9A-Za-z_", 22, "",), ("glpat-", "0-9A-Za-z_-", 20, "",), ("hf_", "0-9A-Za-z", 30, "",), ("sk-", "0-9A-Za-z", 32, "",), ("sk-ant-", "0-9A-Za-z_-", 20, "",), ("sk-proj-", "0-9A-Za-z_-", 20, "",), ("sk-svcacct-", "0-9A-Za-z_-", 20, "",), ("sk-admin-", "0-9A-Za-z_-", 20, "",), ("sk-or-", "0-9A-Za-z_-", 32, "",), ("xoxa-", "0-9A-Za-z-", 10, "",), ("xoxb-", "0-9A-Za-z-", 10, "",), ("xoxe-", "0-9A-Za-z-", 10, "",), ("xoxp-", "0-9A-Za-z-", 10, "",), ("xoxr-", "0-9A-Za-z-", 10, "",), ("xoxs-", "0-9A-Za-z-", 10, "",), ("xapp-", "0-9A-Za-z-", 20, "",), ("AIza", "0-9A-Za-z_-", 35, "",), ("ya29.", "0-9A-Za-z_-", 20, "",), ("GOCSPX-", "0-9A-Za-z_-", 20, "",), ("npm_", "0-9A-Za-z", 36, "",), ("pypi-AgE", "0-9A-Za-z_-", 40, "",), ("sk_live_", "0-9A-Za-z", 16, "",), ("sk_test_", "0-9A-Za-z", 16, "",), ("rk_live_", "0-9A-Za-z", 16, "",), ("rk_test_", "0-9A-Za-z", 16, "",), ("whsec_", "0-9A-Za-z+/=", 24, "",), ("SG.", "0-9A-Za-z_.-", 60, "",), ("dop_v1_", "0-9a-f", 64, "",), ("dckr_pat_", "0-9A-Za-z_-", 20, "",), ("gsk_", "0-9A-Za-z", 40, "",), ("nvapi-", "0-9A-Za-z_-", 40, "",), ("r8_", "0-9A-Za-z", 36, "",), ("wandb_v1_", "0-9A-Za-z_", 40, "",), ("AGE-SECRET-KEY-1", "0-9A-Z", 50, "",), ("eyJ", "0-9A-Za-z_.-", 30, ".eyJ",), ("https://hooks.slack.com/services/", "0-9A-Za-z/", 20, "",), ("https://discord.com/api/webhooks/", "0-9A-Za-z/_-", 60, "",), ("AccountKey=", "0-9A-Za-z+/=", 40, "",), ("X-Amz-Signature=", "0-9a-f", 64, "",), ("sig=", "0-9A-Za-z%+/=", 40, "",), ("Bearer ", "0-9A-Za-z._~+/=-", 20, "",), ("Authorization: Basic ", "0-9A-Za-z+/=", 8, "",),)
SECRET_FILES: Final = (".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".npmrc", ".pypirc", ".git-credentials", ".dockercfg", ".htpasswd", ".boto", ".s3cfg", ".vault-token", "credentials", "credentials.json", "credentials.yaml", "credentials.yml", "client_secret*.json", "service-account*.json", "service_account*.json", "secrets.json", "secrets.yaml", "secrets.yml", "secrets.toml", "secrets.env", "kaggle.json", "*.tfvars",)
SECRET_HARMLESS_FILES: Final = ("*.pub", "*.example", "*.sample", "*.template", "*.dist",)
SECRET_FOLDERS: Final = (".aws", ".ssh", ".gnupg", ".kube", ".docker", ".azure", ".gcloud",)
ENVIRONMENT_DEFAULT_NAME: Final = "environment"
ENVIRONMENT_VARIABLES: Final = ("ACCELERATE_*", "CONDA_DEFAULT_ENV", "CONDA_PREFIX", "CUBLAS_*", "CUDA_*", "CUDNN_*", "GLOO_*", "GOMP_*", "HF_DATASETS_*", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HIP_VISIBLE_DEVICES", "HSA_*", "JAX_*", "KMP_*", "LANG", "LAB_WORKBOOK_*", "LC_ALL", "LD_LIBRARY_PATH", "LD_PRELOAD", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "LSB_JOBID", "LUA_CPATH*", "LUA_INIT*", "LUA_PATH*", "MALLOC_*", "MASTER_ADDR", "MASTER_PORT", "MKL_*", "NCCL_*", "NODE_RANK", "NUMEXPR_*", "NVIDIA_VISIBLE_DEVICES", "OMP_*", "OPENBLAS_*", "PBS_JOBID", "PYTHONHASHSEED", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTORCH_*", "RANK", "ROCR_VISIBLE_DEVICES", "SLURM_*", "TF_*", "TMPDIR", "TOKENIZERS_PARALLELISM", "TORCH_*", "TORCHELASTIC_*", "TRANSFORMERS_*", "TZ", "VIRTUAL_ENV", "WORLD_SIZE", "XLA_*",)
TIMING_CLAIM_SECONDS: Final = 5
TIMING_POLL_SECONDS: Final = 0.5
TIMING_PUBLISH_SECONDS: Final = 1
TIMING_IDLE_SECONDS: Final = 600
TIMING_REMOVAL_SECONDS: Final = 2
TIMING_HEARTBEAT_SECONDS: Final = 60
TIMING_LOST_SECONDS: Final = 180
FOLDER_ENDING_BLOCK_BYTES: Final = 32768
FOLDER_ENDING_ENTRY_BYTES: Final = 128
SPOOL_ORPHANS_LOCK: Final = ".orphans-lock"
SPOOL_OWNER_SUFFIX: Final = "-owner"
SPOOL_HELPED: Final = ".helped/"
SPOOL_LOCAL_FILE_SYSTEMS: Final = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "tmpfs", "apfs", "hfs",)
SPOOL_RESERVE_BYTES: Final = 67108864
SPOOL_RESERVE_DIVISOR: Final = 10
SPOOL_SMALL_BYTES: Final = 1048576
SPOOL_JOURNAL_BYTES: Final = 262144
SPOOL_PROGRESS_EVENTS: Final = ("claimed", "published", "removed", "progress", "flushed", "ended",)
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
CONFIG_STATE_HOME: Final = "XDG_STATE_HOME"
CONFIG_CACHE_HOME: Final = "XDG_CACHE_HOME"
CONFIG_UPLOADERS: Final = ("auto", "lab-workbook", "aws",)
CONFIG_ADDRESSING_STYLES: Final = ("auto", "path", "virtual",)
CONFIG_ENCRYPTIONS: Final = ("AES256", "aws:kms", "aws:kms:dsse",)
CONFIG_ACLS: Final = ("private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control",)
