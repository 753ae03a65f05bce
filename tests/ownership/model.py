"""
A model of one spool that two hosts share, for a breadth-first search over everything that can happen.

A script W writes rows, ends or dies. Its uploader U runs under the same kernel and so knows whether W lives.
A process P of another host knows nothing of W and U, and may see rows and the line `end` late, in any order.
There is no time: whatever is concluded from silence may be concluded at any moment, and each process may stop
between any two steps. A fault is a state in which something is lost, or reported as it is not.

The rules differ in what P may do: `silence` takes a silent script for dead and "exists already" for an answer
to itself, as the uploader did before; `proof` is the rule of the uploader. It has safeguards, and without any
of them a fault is found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple


class End(NamedTuple):
    """An end.json: the outcome and how many rows it lists."""

    outcome: str
    rows: int


class Worker(NamedTuple):
    """
    A process that may deliver: the next step that it would take, and what it knows.

    ``lines`` is how many rows it has seen; ``final`` says that it will remove the spool; ``won`` is the
    end.json that it believes to have created.
    """

    step: str = "away"
    starts: int = 0
    rows: int = 0
    end: End | None = None
    final: bool = False
    won: End | None = None
    has_word: bool = False


class State(NamedTuple):
    """Everything at one moment."""

    # The script: rows that were acknowledged, whether it runs, and what close() has returned.
    rows: int = 0
    script: str = "runs"
    closed: bool | None = None
    # The spool: there, set aside or gone; the owner of its lock; end.json in it, and whether it was sent.
    spool: str = "there"
    lock: str = ""
    stored: End | None = None
    journal: str = ""
    # The bucket.
    published: int = 0
    end: End | None = None
    u: Worker = Worker()
    p: Worker = Worker()


Steps = Iterator[tuple[str, State]]

# Yields the steps that a worker, `u` or `p`, may take.
Rule = Callable[[State, str], Steps]

Fault = Callable[[State], str]


class Found(NamedTuple):
    """What a search has found: how many states, and the shortest way to a fault, if any."""

    states: int
    way: list[str]
    fault: str


def explore(rule: Rule, *, rows: int, fault: Fault, most: int = 1_000_000) -> Found:
    """Search all states of a script that writes at most so many rows."""
    start = State()
    came_from: dict[State, tuple[State | None, str]] = {start: (None, "")}
    waiting = deque([start])
    while waiting and len(came_from) < most:
        state = waiting.popleft()
        problem = fault(state)
        if problem:
            return Found(len(came_from), _way(state, came_from), problem)
        for label, following in steps(state, rule, rows):
            if following not in came_from:
                came_from[following] = (state, label)
                waiting.append(following)
    assert not waiting, "not exhausted"
    return Found(len(came_from), [], "")


def any_fault(state: State) -> str:
    """Return what is wrong in a state, if anything."""
    return lost_row(state) or two_ends(state) or false_report(state)


def lost_row(state: State) -> str:
    """Find a row that was acknowledged, and that neither end.json nor a spool has."""
    is_lost = state.spool == "gone" and state.rows > (state.end.rows if state.end else 0)
    return f"row {state.rows} is lost" if is_lost else ""


def two_ends(state: State) -> str:
    """Find a worker that believes to have created an end.json which is not there."""
    won = {worker.won for worker in (state.u, state.p) if worker.won}
    if any(end != state.end for end in won):
        return f"two different end.json: {state.end} is there, and believed to be there is {won}"
    return ""


def false_report(state: State) -> str:
    """Find a script that was told that everything is where it belongs."""
    if state.closed and (state.end is None or state.end != End("finished", state.rows)):
        return "close() has returned True, and end.json has something else"
    return ""


def steps(state: State, rule: Rule, rows: int) -> Steps:
    """Yield everything that may happen next."""
    yield from _script(state, rows)
    for who in ("u", "p"):
        yield from rule(state, who)


def _script(state: State, rows: int) -> Steps:
    if state.script == "runs":
        if state.rows < rows:
            yield "W writes a row", state._replace(rows=state.rows + 1)
        yield "W ends", state._replace(script="ended")
    if state.script != "dead":
        yield "W dies", state._replace(script="dead")
    if state.script == "ended" and state.closed is None:
        # It may also lose patience at any moment.
        yield "W closes: False", state._replace(closed=False)
        if state.journal == "ended" or state.spool == "gone":
            yield "W closes: True", state._replace(closed=True)


# --- the steps that both rules share -----------------------------------------------------------------


def _set(state: State, who: str, **more: object) -> State:
    return state._replace(**{who: getattr(state, who)._replace(**more)})


def _leave(state: State, who: str) -> State:
    """End a worker; what it knew is gone."""
    me = getattr(state, who)
    return state._replace(**{who: Worker(starts=me.starts, won=me.won)})


def _starts(state: State, who: str) -> bool:
    """Say whether a worker may start once more; W starts U, and people or other scripts start P."""
    most = 2 if who == "u" else 1
    return getattr(state, who).step == "away" and getattr(state, who).starts < most and state.spool != "gone"


def _seen(state: State, who: str) -> Iterator[tuple[int, bool]]:
    """Yield what a worker may see: how many rows, and whether the line `end`."""
    if who == "u":
        yield state.rows, state.script == "ended" or _has_end(state)
        return
    for rows in range(state.rows + 1):
        yield rows, False
        if _has_end(state):
            yield rows, True


def _has_end(state: State) -> bool:
    # A script that has ended and died since has left its last line.
    return state.script == "ended" or state.closed is not None


# --- silence is death -------------------------------------------------------------------------------------


def silence(state: State, who: str) -> Steps:
    """Yield the steps of a worker that takes silence for death."""
    me, name = getattr(state, who), who.upper()
    if me.step != "away":
        yield f"{name} dies", _leave(state, who)
    if _starts(state, who):
        for seen, has_end in _seen(state, who):
            outcome = "finished" if has_end else "interrupted"
            # flock(2) holds on one node only, and P takes silence for death.
            if who == "p" or has_end or state.script == "dead":
                label = f"{name} reads {seen} rows and takes W for {outcome}"
                end = End(outcome, seen)
                yield label, _set(state, who, step="publish", starts=me.starts + 1, rows=seen, end=end)
    if me.step == "publish":
        state = state._replace(published=max(state.published, me.rows))
        yield f"{name} publishes", _set(state, who, step="put")
    if me.step == "put":
        # "Exists already" is taken for the answer to a request of its own.
        state = state._replace(end=state.end or me.end, journal="ended")
        yield f"{name} creates end.json, or hears that it exists", _set(state, who, step="remove", won=me.end)
    if me.step == "remove":
        yield f"{name} removes the spool", _leave(state._replace(spool="gone"), who)


# --- death needs a proof----------------------------------------------------------------------------------


def proof(state: State, who: str, *, without: str = "") -> Steps:
    """Yield the steps of a worker that needs a proof of death, or a person's word."""
    me, name = getattr(state, who), who.upper()
    if me.step != "away":
        yield f"{name} dies", _leave(state, who)
    if _starts(state, who):
        yield from _takes(state, who, without)
    if me.step in ("read", "publish", "store", "put") and state.lock not in (who, ""):
        yield f"{name} sees that its lock is gone", _leave(state, who)
    if me.step == "read":
        yield from _reads(state, who, without)
    if me.step == "publish":
        state = state._replace(published=max(state.published, me.rows))
        yield f"{name} publishes", _set(state, who, step="store" if me.end else "away")
    if me.step == "store" and state.spool == "there":
        # Stored once; whoever comes later sends what is there, and then knows only that it is not its own.
        end = me.end if without == "one document" else state.stored or me.end
        is_final = me.final and (end == me.end or without == "own document")
        state = state._replace(stored=end)
        yield f"{name} stores end.json", _set(state, who, step="put", end=end, final=is_final)
    if me.step == "put":
        yield from _puts(state, who, without)
    if me.step == "settle":
        is_removed = (me.final or without == "kept spool") and state.spool == "there"
        spool = "gone" if is_removed or state.spool == "gone" else "aside"
        label = f"{name} removes the spool" if spool == "gone" else f"{name} sets the spool aside"
        lock = "" if state.lock == who else state.lock
        yield label, _leave(state._replace(spool=spool, lock=lock), who)


def _takes(state: State, who: str, without: str) -> Steps:
    """Yield the ways to begin: as the owner of the lock, or as a helper."""
    me, name = getattr(state, who), who.upper()
    if state.spool != "there":
        return
    # U knows whether a U before it lives; nobody knows that of a process of another host.
    is_free = state.lock in ("", who) or without == "lock"
    if who == "u" and is_free:
        yield f"{name} takes the lock", _set(state._replace(lock=who), who, step="read", starts=me.starts + 1)
    if who == "p":
        for seen, _ in _seen(state, who):
            label = f"{name} helps with {seen} rows"
            yield label, _set(state, who, step="publish", starts=me.starts + 1, rows=seen, end=None)
        if is_free and (_has_end(state) or without == "proof"):
            # It sees the line `end`, and as many rows as that line lists.
            taken = state._replace(lock=who)
            yield (
                f"{name} takes the lock",
                _set(taken, who, step="read", starts=me.starts + 1, has_word=False),
            )
        told = state._replace(lock=who)
        label = f"{name} is told by a person that W is dead, and takes the lock"
        yield label, _set(told, who, step="read", starts=me.starts + 1, has_word=True)


def _reads(state: State, who: str, without: str) -> Steps:
    me, name = getattr(state, who), who.upper()
    if state.spool != "there":
        yield f"{name} finds no spool", _leave(state, who)
        return
    if state.journal == "sealing" and state.stored:
        # What another process may have sent is sent again as it is.
        is_same = state.stored == End(_outcome(state), state.rows) or without == "second look"
        is_final = _is_proved(state, who) and is_same
        yield f"{name} goes on sealing", _set(state, who, step="put", end=state.stored, final=is_final)
        return
    for seen, has_end in _seen(state, who):
        is_whole = has_end and (seen == state.rows or without == "sizes")
        is_over = has_end or (state.script == "dead" if who == "u" else without == "proof")
        if who == "p" and not (me.has_word or is_whole or without == "proof"):
            continue
        end = End("finished" if has_end else "interrupted", seen) if is_over or me.has_word else None
        is_final = is_whole or (is_over and (who == "u" or without == "proof"))
        label = f"{name} reads {seen} rows, and for W: {end.outcome if end else 'it runs'}"
        yield label, _set(state, who, step="publish", rows=seen, end=end, final=is_final)


def _puts(state: State, who: str, without: str) -> Steps:
    me, name = getattr(state, who), who.upper()
    if state.end in (None, me.end) or without == "one document":
        journal = "ended" if me.final else "sealed"
        done = state._replace(end=state.end or me.end, journal=journal)
        yield f"{name} creates end.json", _set(done, who, step="settle", won=me.end)
        # Its answer is lost, or it dies before it has written that to the journal.
        lost = state._replace(end=state.end or me.end, journal=state.journal or "sealing")
        yield f"{name} creates end.json and dies", _leave(lost, who)
    else:
        other = _set(state._replace(journal="sealed"), who, step="settle", final=False)
        yield f"{name} hears that another end.json exists", other


def _is_proved(state: State, who: str) -> bool:
    return _has_end(state) or (who == "u" and state.script == "dead")


def _outcome(state: State) -> str:
    return "finished" if _has_end(state) else "interrupted"


def _way(state: State, came_from: dict[State, tuple[State | None, str]]) -> list[str]:
    way = []
    while (before := came_from[state])[0] is not None:
        way.append(before[1])
        state = before[0]
    return way[::-1]


SAFEGUARDS = ("proof", "sizes", "one document", "own document", "kept spool", "second look")
