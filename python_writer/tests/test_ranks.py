"""
A training of several processes is one experiment: rank 0 owns it, and the others are guests in it.

Real torchrun is in ``tests/frameworks``; here are its variables, and processes that have them.
"""

import itertools
import json
import os
import pathlib
import shutil
import signal
import threading
import time

import lab_workbook
import pytest
from lab_workbook import ExperimentRepository, Misuse
from lab_workbook.protocol import _spec
from lab_workbook_writer import ranks, rendezvous

TORCHRUN = {
    "WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29511",
    "TORCHELASTIC_RUN_ID": "none",
}


@pytest.mark.parametrize(
    ("environment", "number"),
    [
        ({}, None),
        ({"RANK": "x"}, None),
        ({"RANK": "0", "WORLD_SIZE": "2"}, 0),
        ({"RANK": "3"}, 3),
        ({"RANK": "0", "WORLD_SIZE": "1"}, None),
        ({"RANK": "0", "LOCAL_RANK": "0", "SLURM_PROCID": "5", "SLURM_NTASKS": "8"}, 0),
        ({"LOCAL_RANK": "1"}, 1),
        ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, 1),
        ({"LOCAL_RANK": "1", "NODE_RANK": "2", "LOCAL_WORLD_SIZE": "4"}, 9),
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "4"}, 3),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, None),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "LOCAL_RANK": "1"}, 1),
        ({"OMPI_COMM_WORLD_RANK": "2"}, 2),
        ({"PMI_RANK": "0"}, 0),
    ],
)
def test_the_launcher_says_the_rank(environment, number):
    """
    torchrun's word counts alone; of the others whoever knows of most processes.
    """
    found = ranks.of(environment)

    assert (found and found.number) == number
    assert (found is None) == (number is None)


@pytest.mark.parametrize(
    ("environment", "is_near"),
    [
        ({"RANK": "3", "LOCAL_RANK": "3"}, True),
        ({"RANK": "3"}, True),
        ({"RANK": "3", "LOCAL_RANK": "1"}, False),
        ({"RANK": "3", "LOCAL_RANK": "3", "GROUP_RANK": "1"}, False),
        ({"SLURM_PROCID": "2", "SLURM_NTASKS": "4", "SLURM_NODEID": "0"}, True),
        ({"SLURM_PROCID": "2", "SLURM_NTASKS": "4", "SLURM_NODEID": "1"}, False),
    ],
)
def test_another_host_is_known_where_the_launcher_says_it(environment, is_near):
    """
    So that nobody waits there for a file that cannot come.
    """
    assert ranks.of(environment).is_near is is_near


def test_two_trainings_on_a_host_are_told_apart():
    """
    By the port, the job or the step; started by hand, by who has started them.
    """
    groups = [
        {"MASTER_PORT": "1"},
        {"MASTER_PORT": "2"},
        {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0"},
        {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "1"},
        {"MASTER_PORT": "1", "TORCHELASTIC_RESTART_COUNT": "1"},
        {},
    ]

    found = [ranks.of({"RANK": "1", **group}).group for group in groups]

    assert len(set(found)) == len(groups)
    assert str(os.getppid()) in found[-1]


@pytest.mark.parametrize("rank", [-1, 1.0, "1", True])
def test_a_rank_that_is_none_is_refused(prefix, rank):
    with pytest.raises(Misuse, match="rank is a whole number from 0"):
        lab_workbook.new_experiment(bucket_prefix=prefix, rank=rank)


@pytest.fixture
def pair(prefix, monkeypatch):
    """Two workbooks as rank 0 and rank 1 have them, here in one process."""
    monkeypatch.setattr(rendezvous, "_experiments", itertools.repeat(0))
    workbooks = [lab_workbook.new_experiment(bucket_prefix=prefix, rank=rank) for rank in (0, 1)]
    yield workbooks
    for workbook in workbooks:
        workbook.close()


def test_series_of_each_rank_survive_the_removal_of_their_folder(pair, home_of):
    """
    Each process has its own files open: rank 0 puts back the folder, and the other its series.
    """
    host, guest = pair
    logs = [workbook.new_time_series_log("loss", ["step"]) for workbook in pair]
    for step in range(10):
        logs[0](step=step)
        logs[1](step=step)
    shutil.rmtree(home_of(host))
    logs[1](step=10)
    assert guest.flush() is False

    assert host.flush() is True
    logs[1](step=11)
    assert guest.flush() is True
    host.close()

    files = json.loads((home_of(host) / ".lab-workbook/end.json").read_text())["files"]
    assert sorted(files) == [".lab-workbook/begin.json", "loss.csv", "loss@rank1.csv"]
    steps = [line.split(",")[0] for line in (home_of(host) / "loss@rank1.csv").read_text().splitlines()]
    assert steps == ["step", *map(str, range(12))]


def sealed(home):
    return json.loads((home / ".lab-workbook" / "end.json").read_text())["files"]


def test_a_series_of_another_rank_stands_beside_those_of_rank_0(pair, home_of, prefix, capsys):
    """
    Under a name of its own, and is sealed with them; nothing else of that rank is kept, and it says so once.
    """
    host, guest = pair
    log = host.new_time_series_log("Loss", ["step", "loss"])
    own = guest.new_time_series_log("Loss", ["step", "loss"])
    deep = guest.new_time_series_log("more/Loss", ["x"])
    capsys.readouterr()

    log(step=1, loss=0.5)
    own(step=1, loss=0.75)
    deep(x=1)
    guest.log({"norm": 7}, step=3)
    guest.save_json("options", {"a": 1})
    guest.save_text("a.txt", "a")
    guest.close()
    host.close()

    home = home_of(host)
    assert (home / "Loss@rank1.csv").read_text().splitlines()[1].startswith("1,0.75,")
    assert set(sealed(home)) == {
        ".lab-workbook/begin.json",
        *("Loss.csv", "Loss@rank1.csv", "more/Loss@rank1.csv", "metrics@rank1.csv"),
    }
    experiment = ExperimentRepository(prefix)[host.tag]
    assert experiment.verify()
    assert experiment.metrics(rank=1)["norm"].tolist() == [7]
    assert guest.tag == host.tag
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "rank 1 saves no 'options.json': rank 0 records the experiment" in said[0]


def test_a_row_that_comes_after_the_end_is_lost_and_said_to_be(pair, home_of, prefix, capsys):
    """
    By the rank that has lost it; what is sealed stays as it is.
    """
    host, guest = pair
    own = guest.new_time_series_log("Loss", ["step"])
    late = guest.new_time_series_log("Late", ["step"])
    own(step=1)
    host.close()
    before = (home_of(host) / "Loss@rank1.csv").read_bytes()
    capsys.readouterr()

    for step in (2, 3):
        own(step=step)
        late(step=step)
    guest.close()

    assert (home_of(host) / "Loss@rank1.csv").read_bytes() == before
    assert not (home_of(host) / "Late@rank1.csv").exists()
    assert ExperimentRepository(prefix)[host.tag].verify()
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "a row was lost" in said[0]
    assert "the experiment of rank 0 has ended); said only once" in said[0]
    assert "rank 1 has lost 4 rows in all" in said[1]


def test_a_script_that_closes_descriptors_does_not_write_into_what_is_sealed(pair, home_of, prefix):
    """
    The file is opened again, unless it is the copy by now.
    """
    host, guest = pair
    own = guest.new_time_series_log("Loss", ["step"])
    own(step=1)
    os.close(guest._series["Loss@rank1.csv"]._descriptor)
    own(step=2)
    assert len((home_of(host) / "Loss@rank1.csv").read_text().splitlines()) == 3

    os.close(guest._series["Loss@rank1.csv"]._descriptor)
    host.close()
    own(step=3)

    assert len((home_of(host) / "Loss@rank1.csv").read_text().splitlines()) == 3
    assert ExperimentRepository(prefix)[host.tag].verify()


def test_whatever_is_safe_is_sealed(pair, home_of, prefix, capsys):
    """
    A thread that logs while rank 0 ends: every row before the first that was said to be lost is there.
    """
    host, guest = pair
    own = guest.new_time_series_log("Loss", ["step"])
    steps = itertools.count()
    going = threading.Event()

    def train():
        for step in steps:
            own(step=step)
            going.set()
            if guest._losses.counts()["rows"]:
                return

    thread = threading.Thread(target=train)
    thread.start()
    going.wait()
    time.sleep(0.05)
    host.close()
    thread.join()

    # The last one was called lost; it may have come in time all the same.
    safe = next(steps) - 1
    rows = (home_of(host) / "Loss@rank1.csv").read_text().splitlines()[1:]
    assert len(rows) in (safe, safe + 1)
    assert safe > 0
    assert ExperimentRepository(prefix)[host.tag].verify()
    assert "a row was lost" in capsys.readouterr().err


def test_a_row_that_comes_while_its_file_is_copied_is_sealed(pair, prefix, monkeypatch, capsys):
    """
    Nobody has told that rank that it is late, and it is not.
    """
    from lab_workbook_writer import host as module

    copy = module._copy
    passes = itertools.count()

    def copy_while_somebody_logs(source, target):
        copy(source, target)
        if next(passes) == 0:
            own(step=2)

    host, guest = pair
    own = guest.new_time_series_log("Loss", ["step"])
    own(step=1)
    monkeypatch.setattr(module, "_copy", copy_while_somebody_logs)
    capsys.readouterr()

    host.close()

    assert ExperimentRepository(prefix)[host.tag]["Loss@rank1.csv"].index.tolist() == [1, 2]
    assert ExperimentRepository(prefix)[host.tag].verify()
    assert capsys.readouterr().err == ""


def test_a_second_process_of_the_same_rank_does_not_destroy_the_series_of_the_first(
    pair, home_of, prefix, capsys
):
    host, guest = pair
    guest.new_time_series_log("Loss", ["step"])(step=1)
    with lab_workbook.new_experiment(bucket_prefix=prefix, rank=1) as other:
        capsys.readouterr()

        other.new_time_series_log("Loss", ["step"])(step=2)

    assert "Loss@rank1.csv is there already: this series of rank 1 is not kept" in capsys.readouterr().err
    assert len((home_of(host) / "Loss@rank1.csv").read_text().splitlines()) == 2


def test_where_rank_0_records_nothing_the_others_go_on(prefix, monkeypatch, capsys):
    """
    They wait once, for a bounded time, and say so once.
    """
    monkeypatch.setattr(_spec, "RANKS_MEET_SECONDS", 0.3)
    began = time.monotonic()

    with lab_workbook.new_experiment(bucket_prefix=prefix, rank=2) as guest:
        for name in ("a", "b", "c"):
            log = guest.new_time_series_log(name, ["x"])
            log(x=1)
            log(x=2)

    assert 0.3 <= time.monotonic() - began < 0.6
    assert capsys.readouterr().err.splitlines() == [
        "lab-workbook: the experiment of rank 0 was not found on this host: series of rank 2 are not kept"
    ]


def test_on_another_host_nobody_waits(prefix, monkeypatch, capsys):
    monkeypatch.setenv("GROUP_RANK", "1")
    began = time.monotonic()

    with lab_workbook.new_experiment(bucket_prefix=prefix, rank=2) as guest:
        guest.new_time_series_log("a", ["x"])(x=1)
        guest.flush(1)
        assert guest.tag

    assert time.monotonic() - began < 0.3
    assert "rank 0 is on another host: series of rank 2 are not kept" in capsys.readouterr().err


def test_the_file_of_a_process_that_is_gone_is_not_believed(pair, prefix, monkeypatch, isolation):
    """
    And the next rank 0 removes it.
    """
    monkeypatch.setattr(_spec, "RANKS_MEET_SECONDS", 0.05)
    host, _ = pair
    folder = isolation / ".local/state/lab-workbook/.ranks"
    (path,) = folder.iterdir()
    found = json.loads(path.read_text())
    path.write_text(json.dumps({**found, "pidStarted": "1"}))
    stale = folder / "stale.json"
    stale.write_text(path.read_text())
    (folder / "torn.json").write_text('{"tag"')

    with lab_workbook.new_experiment(bucket_prefix=prefix, rank=1) as guest:
        assert guest.tag != host.tag

    monkeypatch.setattr(rendezvous, "_experiments", itertools.repeat(1))
    with lab_workbook.new_experiment(bucket_prefix=prefix, rank=0):
        assert not stale.exists()
    assert sorted(each.name for each in folder.iterdir()) == ["torn.json"]


def test_a_disk_that_is_full_for_the_copy_costs_that_series(pair, home_of, monkeypatch, capsys):
    """
    It is counted, and end.json does not list what may yet change.
    """
    from lab_workbook_writer import host as module

    def refuse(*_):
        raise OSError(28, "No space left on device")

    host, guest = pair
    guest.new_time_series_log("Loss", ["step"])(step=1)
    monkeypatch.setattr(module, "_copy", refuse)

    host.close()

    assert set(sealed(home_of(host))) == {".lab-workbook/begin.json"}
    assert "an artifact was lost ('Loss@rank1.csv'" in capsys.readouterr().err


TRAIN = """
workbook = lab_workbook.new_experiment(note=os.environ["RANK"])
log = workbook.new_time_series_log("Loss", ["step", "rank"])
for step in range(50):
    log(step=step, rank=int(os.environ["RANK"]))
workbook.save_text("a.txt", "a")
"""


def started(script, code, *, rank, **more):
    script.environment |= TORCHRUN | {"RANK": str(rank), "LOCAL_RANK": str(rank)} | more
    script.path = script.path.with_name(f"train-{rank}.py")
    return script.start(code)


def runs(script):
    return sorted((script.path.parent / "runs").iterdir())


def test_several_processes_are_one_experiment(script):
    """
    Each started by itself, in whatever order they come.
    """
    processes = [
        started(script, TRAIN + "while not os.path.exists('go'): pass\n", rank=rank) for rank in (2, 1, 0)
    ]
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = list((script.path.parent / "runs").glob("*/Loss*.csv"))
        if len(found) == 3 and all(len(path.read_text().splitlines()) == 51 for path in found):
            break
        time.sleep(0.05)
    # Rank 0 is the last to end, as where all of them wait for each other.
    (script.path.parent / "go").touch()
    ran = [script.finish(process) for process in processes]

    assert [each.status for each in ran] == [0, 0, 0]
    (home,) = runs(script)
    assert set(sealed(home)) == {
        ".lab-workbook/begin.json",
        *("Loss.csv", "Loss@rank1.csv", "Loss@rank2.csv", "a.txt"),
    }
    assert json.loads((home / ".lab-workbook/begin.json").read_text())["note"] == "0"
    assert [each.stdout.count("experiment") for each in ran] == [0, 0, 1]
    assert all("saves no 'a.txt'" in each.stderr for each in ran[:2])


def test_a_rank_0_that_is_killed_takes_nobody_with_it(script):
    """
    What the others log goes on in its folder, which nobody has sealed.
    """
    host = started(script, TRAIN + "signal.pause()\n", rank=0)
    guest = started(
        script,
        TRAIN + "print('logged', flush=True)\nsys.stdin = open('/dev/null')\n"
        "while not os.path.exists('killed'): pass\nlog(step=50, rank=1)\n"
        "workbook.new_time_series_log('Late', ['x'])(x=1)\n",
        rank=1,
    )
    assert guest.stdout.readline() == "logged\n"
    host.send_signal(signal.SIGKILL)
    host.wait()
    (script.path.parent / "killed").touch()
    ran = script.finish(guest)
    script.finish(host)

    (home,) = runs(script)
    assert ran.status == 0
    assert len((home / "Loss@rank1.csv").read_text().splitlines()) == 52
    assert not (home / "Late@rank1.csv").exists()
    assert "the experiment of rank 0 has ended" in ran.stderr


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_workers_of_a_rank_are_quiet(script, method):
    """
    As those of a data loader, which inherit its variables.
    """
    code = f"""
    import multiprocessing

    if __name__ == "__main__":
        workbook = lab_workbook.new_experiment()
        log = workbook.new_time_series_log("Loss", ["step"])
        log(step=1)
        with multiprocessing.get_context({method!r}).Pool(2) as pool:
            assert pool.map(abs, [-1, -2]) == [1, 2]
        log(step=2)
        print("logged", flush=True)
        sys.stdout.flush()
        while not os.path.exists("go-" + os.environ["RANK"]): pass
    """
    processes = [started(script, code, rank=rank) for rank in (0, 1)]
    for process in processes:
        while process.stdout.readline() != "logged\n":
            assert process.poll() is None
    for rank in (1, 0):
        (script.path.parent / f"go-{rank}").touch()
        ran = script.finish(processes[rank])
        assert (ran.status, ran.stderr) == (0, "")

    (home,) = runs(script)
    assert len((home / "Loss@rank1.csv").read_text().splitlines()) == 3
    assert len((home / "Loss.csv").read_text().splitlines()) == 3


def test_a_forked_child_of_another_rank_is_told_so(script):
    """
    As of rank 0: what it logs is not recorded.
    """
    host = started(
        script,
        "workbook = lab_workbook.new_experiment(tag='T')\nwhile not os.path.exists('go'): pass\n",
        rank=0,
    )
    guest = started(
        script,
        """
        workbook = lab_workbook.new_experiment(tag="T")
        log = workbook.new_time_series_log("Loss", ["step"])
        log(step=1)
        if not os.fork():
            log(step=2)
            workbook.log({"a": 1})
            workbook.close()
            os._exit(0)
        os.wait()
        log(step=3)
        """,
        rank=1,
    )
    ran = script.finish(guest)
    (script.path.parent / "go").touch()
    script.finish(host)

    assert ran.stderr.count("was forked from the one that writes T") == 1
    assert [line[0] for line in (ran.home / "Loss@rank1.csv").read_text().splitlines()] == ["s", "1", "3"]
    assert not (ran.home / "metrics@rank1.csv").exists()


def test_rank_0_on_request_records_by_itself(script):
    """
    As where a launcher starts trainings that have nothing to do with each other.
    """
    code = "workbook = lab_workbook.new_experiment(rank=0)\nworkbook.log({'a': 1})\n"

    ran = [script.finish(started(script, code, rank=rank)) for rank in (1, 2)]

    assert [each.status for each in ran] == [0, 0]
    assert len(runs(script)) == 2


@pytest.mark.s3
def test_series_of_ranks_reach_the_bucket(bucket_prefix, monkeypatch):
    """
    While they grow and at the end, sealed with the rest; a late row does not.
    """
    monkeypatch.setattr(rendezvous, "_experiments", itertools.repeat(0))
    host = lab_workbook.new_experiment(bucket_prefix=bucket_prefix, rank=0, upload_every=0)
    guest = lab_workbook.new_experiment(bucket_prefix=bucket_prefix, rank=1)
    own = guest.new_time_series_log("Loss", ["step"], save_every=1)
    own(step=1)
    experiment = ExperimentRepository(bucket_prefix)[host.tag]
    deadline = time.monotonic() + 30
    while "Loss@rank1.csv" not in experiment and time.monotonic() < deadline:
        time.sleep(0.2)
    assert list(experiment["Loss@rank1.csv"].index) == [1]

    own(step=2)
    guest.new_time_series_log("Second", ["x"])(x=1)
    host.close()
    own(step=3)
    guest.close()

    assert experiment.list_artifacts() == ["Loss@rank1.csv", "Second@rank1.csv"]
    assert list(experiment["Loss@rank1.csv"].index) == [1, 2]
    assert experiment.verify()


def test_a_spool_hears_of_what_came_too_late_for_the_queue(bucket_prefix, monkeypatch):
    """
    Rank 0 tells of all that it has taken over itself, and what is said after its end is passed over.
    """
    from lab_workbook_writer import guest as module

    monkeypatch.setattr(rendezvous, "_experiments", itertools.repeat(0))
    told = []
    monkeypatch.setattr(module, "_tell", lambda *words: told.append(words))
    host = lab_workbook.new_experiment(bucket_prefix=bucket_prefix, rank=0)
    guest = lab_workbook.new_experiment(bucket_prefix=bucket_prefix, rank=1)

    guest.new_time_series_log("Loss", ["step"])(step=1)
    host.close()
    guest.close()

    assert len(told) == 1
    assert not pathlib.Path(told[0][0]).exists()
    assert list(ExperimentRepository(bucket_prefix)[host.tag]["Loss@rank1.csv"].index) == [1]
