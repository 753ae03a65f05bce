"""Rules that no wrong one breaks, each with the reason; an empty list is the aim."""

from __future__ import annotations

UNTOLD = {
    "prefix.fixed": "no verb of the adapter changes the directory of a script",
    "series.caller": "the values of two steps are never one table, so nobody could change it between them",
    "series.scalar": "JSON cannot spell a scalar of a numerical library",
    "series.torn": "it takes a disk that is full in the middle of a row",
    "json.secrets": "each writer says what looks like a secret to it, and the kit saves nothing that does",
    "json.tables": "only Lua has such tables, and the right one is in Python",
}
