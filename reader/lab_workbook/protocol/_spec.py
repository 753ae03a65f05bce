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
SECRET_VALUE_MAX: Final = 512
SECRET_KEY_MAX_LINES: Final = 400
SECRET_ANYWHERE: Final = ("password_", "passwd_", "passphrase_", "passwort_", "passcode_", "api_key_", "apikey_", "api_keys_", "apikeys_", "access_key_", "accesskey_", "access_keys_", "accesskeys_", "private_key_", "privatekey_", "secret_key_", "secretkey_", "_signing_key_", "_encryption_key_", "_account_key_", "_storage_key_", "_subscription_key_", "_master_key_", "_ssh_key_", "_deploy_key_", "_service_key_", "_consumer_key_", "_client_key_", "_license_key_", "access_token_", "accesstoken_", "access_tokens_", "auth_token_", "authtoken_", "auth_tokens_", "api_token_", "apitoken_", "api_tokens_", "refresh_token_", "refreshtoken_", "connection_string_", "connectionstring_", "_authorization_", "_client_secret_", "_hf_token_", "_hub_token_", "_github_token_", "_gitlab_token_",)
SECRET_ENDINGS: Final = ("secret_", "secrets_", "credential_", "credentials_", "passwords_", "_bearer_token_", "_app_key_", "_openai_key_", "_anthropic_key_", "_wandb_key_", "_hf_key_", "_github_key_", "_amz_signature_", "_db_pwd_", "_database_pwd_", "_user_pwd_", "_mysql_pwd_", "_admin_pwd_", "_root_pwd_", "_huggingface_token_", "_gh_token_", "_private_token_", "_personal_token_", "_id_token_", "_oauth_token_", "_jwt_", "_jwt_token_", "_bot_token_", "_slack_token_", "_npm_token_", "_pypi_token_", "_deploy_token_", "_wandb_token_", "_vault_token_", "_service_token_", "_client_token_", "_session_token_", "_security_token_", "_secret_token_",)
SECRET_WEAK: Final = ("_token_", "_auth_", "_session_id_", "_sessionid_", "_sid_", "_cookie_", "_cookies_", "_session_key_", "_pwd_",)
SECRET_INNOCENT: Final = ("_name_", "_names_", "_file_", "_path_", "_dir_", "_folder_", "_field_", "_column_", "_env_", "_var_", "_variable_", "_length_", "_len_", "_size_", "_bits_", "_count_", "_index_", "_type_", "_kind_", "_class_", "_policy_", "_algorithm_", "_method_", "_backend_", "_provider_", "_helper_", "_manager_", "_format_", "_regex_", "_pattern_", "_prompt_", "_placeholder_", "_label_", "_hint_", "_help_", "_description_", "_message_", "_error_", "_input_", "_url_", "_uri_", "_required_", "_enabled_", "_rotation_", "_expiry_", "_expires_", "_ttl_", "_age_", "_scope_", "_scopes_", "_version_",)
SECRET_HINTS: Final = ("pass", "pwd", "secret", "token", "key", "auth", "credential", "cookie", "bearer", "connection", "sid", "session", "jwt", "signature", "login",)
SECRET_SCHEMES: Final = ("Bearer", "bearer", "Basic", "Token", "token", "ApiKey", "Digest", "Key",)
SECRET_WRAPPERS: Final = ("SecretStr", "Secret", "Password", "str", "bytes", "String", "b64decode", "base64.b64decode",)
SECRET_CALLERS: Final = ("get", "getenv", "setdefault", "putenv", "setenv", "set", "env", "option", "pop", "getOrElse", "set_env", "put",)
SECRET_DEFAULTS: Final = ("default", "value", "Value", "VALUE",)
SECRET_SHELLS: Final = ("ENV", "ARG", "env", "%env", "setenv", "-x", "export", "set",)
SECRET_HARMLESS: Final = ("true", "false", "yes", "no", "on", "off", "null", "none", "nil", "undefined", "nan", "infinity", "-infinity", "default", "required", "optional", "disabled", "enabled", "disable", "enable", "auto", "never", "always", "unset", "empty", "missing", "prompt", "env", "file", "store", "keyring", "anonymous", "public", "basic", "bearer", "digest", "token", "oauth", "oauth2", "kerberos", "iam", "ldap", "saml", "strict", "opaque", "str", "string", "text", "bytes", "int", "float", "bool", "float16", "float32", "float64", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "sha1", "sha256", "sha512", "md5", "bcrypt", "argon2", "scrypt", "base64", "base32", "utf8", "utf-8", "hs256", "rs256", "es256", "x86_64",)
SECRET_SHAPES: Final = (("AKIA", "0-9A-Z", 16, "", "",), ("ASIA", "0-9A-Z", 16, "", "",), ("ABSK", "0-9A-Za-z+/=", 40, "", "",), ("8Q~", "0-9A-Za-z_.~-", 30, "", "0-9A-Za-z_.~-",), ("AccountKey=", "0-9A-Za-z+/=", 40, "", "",), ("SharedAccessKey=", "0-9A-Za-z+/=", 40, "", "",), ("sig=", "0-9A-Za-z%+/=", 40, "", "",), (".webhook.office.com/webhookb2/", "0-9A-Za-z@/-", 36, "", "0-9A-Za-z-",), ("AIza", "0-9A-Za-z_-", 35, "", "",), ("ya29.", "0-9A-Za-z_-", 20, "", "",), ("GOCSPX-", "0-9A-Za-z_-", 20, "", "",), ("1//0", "0-9A-Za-z_-", 40, "", "",), (":APA91b", "0-9A-Za-z_-", 100, "", "0-9A-Za-z_-",), ("ghp_", "0-9A-Za-z", 30, "", "",), ("gho_", "0-9A-Za-z", 30, "", "",), ("ghu_", "0-9A-Za-z", 30, "", "",), ("ghs_", "0-9A-Za-z", 30, "", "",), ("ghr_", "0-9A-Za-z", 30, "", "",), ("github_pat_", "0-9A-Za-z_", 22, "", "",), ("glpat-", "0-9A-Za-z_.-", 20, "", "",), ("gldt-", "0-9A-Za-z_.-", 20, "", "",), ("glrt-", "0-9A-Za-z_.-", 20, "", "",), ("GR1348941", "0-9A-Za-z_.-", 20, "", "",), ("glptt-", "0-9A-Za-z_.-", 20, "", "",), ("glcbt-", "0-9A-Za-z_.-", 20, "", "",), ("glsoat-", "0-9A-Za-z_.-", 20, "", "",), ("glft-", "0-9A-Za-z_.-", 20, "", "",), ("glimt-", "0-9A-Za-z_.-", 20, "", "",), ("glagent-", "0-9A-Za-z_.-", 20, "", "",), ("gloas-", "0-9A-Za-z_.-", 20, "", "",), ("ATBB", "0-9A-Za-z", 28, "", "",), ("ATATT3", "0-9A-Za-z_=-", 60, "", "",), ("hf_", "0-9A-Za-z", 30, "", "",), ("api_org_", "0-9A-Za-z", 30, "", "",), ("sk-", "0-9A-Za-z", 32, "", "",), ("sk-ant-", "0-9A-Za-z_-", 20, "", "",), ("sk-proj-", "0-9A-Za-z_-", 20, "", "",), ("sk-svcacct-", "0-9A-Za-z_-", 20, "", "",), ("sk-admin-", "0-9A-Za-z_-", 20, "", "",), ("sk-or-", "0-9A-Za-z_-", 32, "", "",), ("sk-lf-", "0-9a-f-", 36, "", "",), ("sess-", "0-9A-Za-z", 40, "", "",), ("gsk_", "0-9A-Za-z", 40, "", "",), ("pplx-", "0-9A-Za-z", 40, "", "",), ("xai-", "0-9A-Za-z", 60, "", "",), ("r8_", "0-9A-Za-z", 36, "", "",), ("nvapi-", "0-9A-Za-z_-", 40, "", "",), ("tgp_v1_", "0-9A-Za-z_-", 40, "", "",), ("fw_", "0-9A-Za-z", 24, "", "",), ("lsv2_", "0-9a-z_", 40, "", "",), ("pcsk_", "0-9A-Za-z_", 50, "", "",), ("wandb_v1_", "0-9A-Za-z_", 40, "", "",), ("eyJhcGlf", "0-9A-Za-z+/=", 60, "", "",), ("KGAT_", "0-9a-f", 32, "", "",), ("rpa_", "0-9A-Z", 36, "", "",), ("ak-", "0-9A-Za-z", 22, "", "",), ("as-", "0-9A-Za-z", 22, "", "",), ("xoxa-", "0-9A-Za-z-", 10, "", "",), ("xoxb-", "0-9A-Za-z-", 10, "", "",), ("xoxp-", "0-9A-Za-z-", 10, "", "",), ("xoxr-", "0-9A-Za-z-", 10, "", "",), ("xoxs-", "0-9A-Za-z-", 10, "", "",), ("xoxe-", "0-9A-Za-z-", 10, "", "",), ("xoxe.xox", "0-9A-Za-z-", 20, "", "",), ("xapp-", "0-9A-Za-z-", 20, "", "",), ("https://hooks.slack.com/services/", "0-9A-Za-z/", 20, "", "",), ("https://discord.com/api/webhooks/", "0-9A-Za-z/_-", 60, "", "",), ("https://hooks.zapier.com/hooks/catch/", "0-9A-Za-z/", 16, "", "",), (":AA", "0-9A-Za-z_-", 33, "", "0-9",), ("dapi", "0-9a-f", 32, "", "",), ("hvs.", "0-9A-Za-z_-", 24, "", "",), ("hvb.", "0-9A-Za-z_-", 24, "", "",), ("hvr.", "0-9A-Za-z_-", 24, "", "",), (".atlasv1.", "0-9A-Za-z_-", 60, "", "0-9A-Za-z",), ("pul-", "0-9a-f", 40, "", "",), ("dp.", "0-9A-Za-z._", 42, "", "",), ("shpat_", "0-9a-fA-F", 32, "", "",), ("shpca_", "0-9a-fA-F", 32, "", "",), ("shppa_", "0-9a-fA-F", 32, "", "",), ("shpss_", "0-9a-fA-F", 32, "", "",), ("glc_", "0-9A-Za-z+/=", 32, "", "",), ("glsa_", "0-9A-Za-z_", 40, "", "",), ("eyJrIjoi", "0-9A-Za-z+/=", 60, "", "",), ("ntn_", "0-9A-Za-z", 40, "", "",), ("secret_", "0-9A-Za-z", 43, "", "",), ("lin_api_", "0-9A-Za-z", 32, "", "",), ("lin_oauth_", "0-9a-f", 64, "", "",), ("key-", "0-9a-f", 32, "", "",), ("SK", "0-9a-f", 32, "", "",), ("SG.", "0-9A-Za-z_.-", 60, "", "",), ("xkeysib-", "0-9A-Za-z-", 64, "", "",), ("PMAK-", "0-9a-f-", 50, "", "",), ("NRAK-", "0-9A-Z", 27, "", "",), ("NRII-", "0-9A-Za-z_-", 32, "", "",), ("NRJS-", "0-9a-f", 19, "", "",), ("sntrys_", "0-9A-Za-z+/=_", 60, "", "",), ("sntryu_", "0-9a-f", 64, "", "",), ("pdus+_", "0-9A-Za-z_-", 20, "", "",), ("dt0c01.", "0-9A-Z.", 80, "", "",), ("ddapp_", "0-9A-Za-z", 34, "", "",), ("sqp_", "0-9a-f", 40, "", "",), ("squ_", "0-9a-f", 40, "", "",), ("figd_", "0-9A-Za-z_-", 36, "", "",), ("pat", "0-9A-Za-z.", 70, ".", "",), ("1/", "0-9a-f:", 45, ":", "",), ("tfp_", "0-9A-Za-z_-", 40, "", "",), ("sl.", "0-9A-Za-z_.-", 100, "", "",), ("HRKU-", "0-9A-Za-z_-", 36, "", "",), ("nfp_", "0-9A-Za-z", 36, "", "",), ("sbp_", "0-9a-f", 40, "", "",), ("pscale_tkn_", "0-9A-Za-z_.-", 32, "", "",), ("pscale_pw_", "0-9A-Za-z_.-", 32, "", "",), ("pscale_oauth_", "0-9A-Za-z_.-", 32, "", "",), ("dop_v1_", "0-9a-f", 64, "", "",), ("doo_v1_", "0-9a-f", 64, "", "",), ("dor_v1_", "0-9a-f", 64, "", "",), ("fm2_", "0-9A-Za-z+/=", 80, "", "",), ("tskey-", "0-9A-Za-z_-", 24, "", "",), ("pnu_", "0-9A-Za-z", 36, "", "",), ("dckr_pat_", "0-9A-Za-z_-", 20, "", "",), ("dckr_oat_", "0-9A-Za-z_-", 20, "", "",), ("npm_", "0-9A-Za-z", 36, "", "",), ("pypi-AgE", "0-9A-Za-z_-", 40, "", "",), ("rubygems_", "0-9a-f", 48, "", "",), ("oy2", "0-9a-z", 43, "", "",), ("cio", "0-9A-Za-z", 32, "", "",), ("CLOJARS_", "0-9a-f", 60, "", "",), ("AKCp", "0-9A-Za-z", 60, "", "",), ("sk_live_", "0-9A-Za-z", 16, "", "",), ("sk_test_", "0-9A-Za-z", 16, "", "",), ("rk_live_", "0-9A-Za-z", 16, "", "",), ("rk_test_", "0-9A-Za-z", 16, "", "",), ("whsec_", "0-9A-Za-z+/=", 24, "", "",), ("sq0atp-", "0-9A-Za-z_-", 22, "", "",), ("sq0csp-", "0-9A-Za-z_-", 40, "", "",), ("shippo_live_", "0-9a-f", 40, "", "",), ("shippo_test_", "0-9a-f", 40, "", "",), ("EZAK", "0-9A-Za-z", 54, "", "",), ("EZTK", "0-9A-Za-z", 54, "", "",), ("LTAI", "0-9A-Za-z", 16, "", "",), ("sk.eyJ", "0-9A-Za-z_.-", 60, "", "",), ("AGE-SECRET-KEY-1", "0-9A-Z", 50, "", "",), ("eyJ", "0-9A-Za-z_.-", 30, ".eyJ", "",), ("X-Amz-Signature=", "0-9a-f", 64, "", "",), ("Bearer ", "0-9A-Za-z._~+/=-", 20, "", "",), ("Authorization: Basic ", "0-9A-Za-z+/=", 8, "", "",),)
SECRET_FILES: Final = (".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".npmrc", ".pypirc", ".git-credentials", ".dockercfg", ".htpasswd", ".boto", ".s3cfg", ".vault-token", "credentials", "credentials.json", "credentials.yaml", "credentials.yml", "client_secret*.json", "service-account*.json", "service_account*.json", "secrets.json", "secrets.yaml", "secrets.yml", "secrets.toml", "secrets.env", "kaggle.json", "*.tfvars", "*.env", "*.env.*", ".envrc", "*.secret", "*.secrets", "application_default_credentials.json", "token.json", "wandb.netrc", ".databrickscfg", "rclone.conf",)
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
    "redact": None,
}
CONFIG_STATE_HOME: Final = "XDG_STATE_HOME"
CONFIG_CACHE_HOME: Final = "XDG_CACHE_HOME"
CONFIG_UPLOADERS: Final = ("auto", "lab-workbook", "aws",)
CONFIG_ADDRESSING_STYLES: Final = ("auto", "path", "virtual",)
CONFIG_ENCRYPTIONS: Final = ("AES256", "aws:kms", "aws:kms:dsse",)
CONFIG_ACLS: Final = ("private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control",)
