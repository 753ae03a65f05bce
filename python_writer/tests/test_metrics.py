"""`Workbook.log`: metrics without fields that were declared, in few series that never lose anything."""

import json
import threading
from collections import OrderedDict
from types import MappingProxyType

import lab_workbook
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_workbook import InvalidRow, InvalidSeries, InvalidValue
from lab_workbook.protocol import _spec


@pytest.fixture
def lines_of(workbook, home_of):
    """The lines of a series without their dates, the header first."""

    def lines(name="metrics.csv"):
        return [line.rpartition(",")[0] for line in (home_of(workbook) / name).read_text().splitlines()]

    return lines


def series_in(home):
    return sorted(path.name for path in home.iterdir() if path.suffix == ".csv")


def test_what_is_logged_is_a_row_by_step(workbook, lines_of):
    """
    The step comes first, whatever the values are.
    """
    workbook.log({"loss": 0.5, "phase": "warm-up"}, step=10)
    workbook.log({"loss": 0.25, "phase": None}, 20)

    assert lines_of() == ["step,loss,phase", '10,0.5,"warm-up"', "20,0.25,nil"]


def test_each_set_of_keys_is_a_series(workbook, home_of, lines_of):
    """
    Whatever the order in which the keys are given.
    """
    for step in range(3):
        workbook.log({"loss": 1, "rate": 2}, step=step)
        workbook.log({"rate": 4, "loss": 3}, step=step)
        workbook.log({"accuracy": 5}, step=step)

    assert series_in(home_of(workbook)) == ["metrics-2.csv", "metrics.csv"]
    assert lines_of() == ["step,loss,rate", "0,1,2", "0,3,4", "1,1,2", "1,3,4", "2,1,2", "2,3,4"]
    assert lines_of("metrics-2.csv") == ["step,accuracy", "0,5", "1,5", "2,5"]


def test_without_a_step_it_is_the_number_of_the_call(workbook, lines_of):
    """
    One count for all series; a step among the values is as good as one beside them.
    """
    workbook.log({"loss": 1})
    workbook.log({"accuracy": 2})
    workbook.log({"loss": 3})
    workbook.log({"loss": 4, "step": 70})
    workbook.log({"loss": 5, "step": None})

    assert lines_of() == ["step,loss", "0,1", "2,3", "70,4", "4,5"]
    assert lines_of("metrics-2.csv") == ["step,accuracy", "1,2"]


def test_numbers_of_other_libraries_are_the_numbers_they_hold(workbook, lines_of):
    """
    As steps and as values.
    """
    workbook.log({"a": np.float32(0.5), "b": np.array(7), "c": np.bool_(True)}, step=np.int64(3))

    assert lines_of()[1:] == ["3,0.5,7,true"]


class Tensor:
    """What a tensor on a GPU is to us: its ``item()`` waits for the device."""

    waits = 0

    def item(self):
        type(self).waits += 1
        return 0.5


def test_a_tensor_is_asked_once(workbook, lines_of, monkeypatch):
    """
    Also the first one of its series, and in the long series.
    """
    monkeypatch.setattr(Tensor, "waits", 0)

    for number in range(_spec.METRICS_MAX_SERIES + 2):
        workbook.log({f"loss {number}": Tensor()}, step=number)

    assert Tensor.waits == _spec.METRICS_MAX_SERIES + 2
    assert lines_of()[1:] == ["0,0.5"]


def test_any_mapping_will_do(workbook, lines_of):
    workbook.log(OrderedDict(loss=1))
    workbook.log(MappingProxyType({"loss": 2}))
    workbook.log({})

    assert lines_of() == ["step,loss", "0,1", "1,2"]
    assert lines_of("metrics-2.csv") == ["step", "2"]


@pytest.mark.parametrize("values", [None, 5, "loss", [("loss", 1)], ("loss",), {"loss"}])
def test_what_is_no_table_is_refused(workbook, home_of, values):
    """
    The message shows what one looks like.
    """
    with pytest.raises(InvalidRow, match=r"such as \{'loss': 0.25\}.*series.row"):
        workbook.log(values)

    assert series_in(home_of(workbook)) == []


@pytest.mark.parametrize("step", [1.5, 1.0, True, "1", [1], object()])
def test_a_step_is_a_whole_number(workbook, home_of, step):
    """
    Beside the values and among them.
    """
    for values, beside in (({"loss": 1}, step), ({"loss": 1, "step": step}, None)):
        with pytest.raises(InvalidRow, match=r"step of log\(\) is a whole number"):
            workbook.log(values, beside)

    assert series_in(home_of(workbook)) == []


def test_two_steps_are_one_too_many(workbook):
    with pytest.raises(InvalidRow, match="'step' twice"):
        workbook.log({"loss": 1, "step": 2}, step=2)


@pytest.mark.parametrize("key", ["", "Date", 3, "\udc80", None])
@pytest.mark.parametrize("sets", [0, _spec.METRICS_MAX_SERIES])
def test_a_key_that_cannot_be_a_field_is_refused(workbook, home_of, key, sets):
    """
    In a series of its own as well as in the long one.
    """
    for number in range(sets):
        workbook.log({f"key {number}": 1})
    before = series_in(home_of(workbook))

    with pytest.raises(InvalidSeries, match=r"series\.fields"):
        workbook.log({"loss": 1, key: 2})

    assert series_in(home_of(workbook)) == before


@pytest.mark.parametrize("sets", [0, _spec.METRICS_MAX_SERIES])
@pytest.mark.parametrize("value", [[1], {"a": 1}, b"x", np.zeros(2), object()])
def test_a_value_without_a_rule_writes_no_row(workbook, home_of, value, sets):
    """
    Nor a part of one, where each value is a row of the long series.
    """
    for number in range(sets):
        workbook.log({f"key {number}": 1})
    workbook.log({"loss": 1, "more": 2})

    with pytest.raises(InvalidValue, match=r"series\.value"):
        workbook.log({"loss": 3, "more": value})

    rows = [line for path in home_of(workbook).glob("*.csv") for line in path.read_text().splitlines()]
    assert len([row for row in rows if row[0].isdigit()]) == sets + (2 if sets else 1)


def test_from_a_number_of_sets_on_all_share_a_series(workbook, home_of, lines_of):
    """
    A script that numbers its keys makes no more files, and every value has its row.
    """
    most = _spec.METRICS_MAX_SERIES

    for number in range(most + 50):
        workbook.log({f"loss {number}": number, "note": "x"}, step=number // 2)

    found = series_in(home_of(workbook))
    assert len(found) == most + 1
    assert f"metrics-{most}.csv" in found
    assert lines_of("metrics-rest.csv")[:3] == [
        "step,name,value",
        f'{most // 2},"loss {most}",{most}',
        f'{most // 2},"note","x"',
    ]
    assert len(lines_of("metrics-rest.csv")) == 1 + 2 * 50
    # The sets that came first keep theirs.
    workbook.log({"note": "y", "loss 0": 7}, step=9)
    assert lines_of()[-1] == '9,7,"y"'


def test_a_name_that_the_script_has_used_itself_is_left_to_it(workbook, home_of, lines_of):
    """
    Its own ``metrics`` keeps what it holds; ours has the next number.
    """
    own = workbook.new_time_series_log("metrics", ["epoch", "loss"])
    workbook.save_text("METRICS-2.csv", "a,b\n")
    workbook.new_time_series_log("metrics-rest", ["epoch"])

    workbook.log({"loss": 1})
    for number in range(_spec.METRICS_MAX_SERIES):
        workbook.log({f"key {number}": 1})
    own(epoch=1, loss=2)

    assert lines_of() == ["epoch,loss", "1,2"]
    assert lines_of("metrics-3.csv")[0] == "step,loss"
    assert lines_of("metrics-rest-2.csv")[0] == "step,name,value"
    assert (home_of(workbook) / "METRICS-2.csv").read_text() == "a,b\n"


def test_threads_may_log_at_once(workbook, home_of):
    """
    Every row arrives, and no set gets two series.
    """

    def train(who):
        for step in range(100):
            workbook.log({"who": who, f"value {step % 20}": step}, step=step)

    threads = [threading.Thread(target=train, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    rows = {path.name: len(path.read_text().splitlines()) - 1 for path in home_of(workbook).glob("*.csv")}
    assert rows.pop("metrics-rest.csv") == 2 * 4 * 5 * (20 - _spec.METRICS_MAX_SERIES)
    assert rows == dict.fromkeys(rows, 4 * 5)
    assert len(rows) == _spec.METRICS_MAX_SERIES


def test_a_signal_handler_may_log(script):
    """
    While its own thread is in the middle of it.
    """
    ran = script.run(
        """
        workbook = lab_workbook.new_experiment(tag="T")
        def on_alarm(number, frame):
            workbook.log({f"alarm {len(alarms)}": len(alarms)})
            alarms.append(number)
        alarms = []
        signal.signal(signal.SIGALRM, on_alarm)
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        count = 0
        while len(alarms) < 40:
            workbook.log({f"loss {count % 20}": count})
            count += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        print("rows", count + len(alarms))
        """
    )

    said = int(ran.stdout.rpartition("rows")[2])
    rows = sum(len(path.read_text().splitlines()) - 1 for path in ran.home.glob("*.csv"))
    assert (ran.status, rows, ran.stderr) == (0, said, "")


def test_a_child_is_not_stopped_by_a_lock_of_its_parent(script):
    """
    Another thread of the parent may be opening a series when it forks.
    """
    ran = script.run(
        """
        import threading
        workbook = lab_workbook.new_experiment(tag="T")
        held, over = threading.Event(), threading.Event()
        def hold():
            with workbook._metrics._lock:
                held.set()
                over.wait()
        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        if not os.fork():
            signal.alarm(5)
            workbook.log({"loss": 1})
            os._exit(0)
        status = os.wait()[1]
        over.set()
        thread.join()
        sys.exit(status != 0)
        """
    )

    assert ran.status == 0
    assert "forked" in ran.stderr


def test_a_closed_workbook_says_so(workbook):
    """
    To a set of keys that it knows and to a new one.
    """
    workbook.log({"loss": 1})
    workbook.close()

    for values in ({"loss": 2}, {"accuracy": 1}):
        with pytest.raises(lab_workbook.Misuse, match=r"is closed.*end.last"):
            workbook.log(values)


def test_a_workbook_that_is_switched_off_takes_everything(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_WORKBOOK_DISABLED", "1")

    with lab_workbook.new_experiment(bucket_prefix=tmp_path) as workbook:
        for number in range(40):
            workbook.log({f"loss {number}": number})

    assert list(tmp_path.iterdir()) == []


def test_what_was_logged_is_sealed(workbook, home_of):
    """
    Its series are artifacts like any others.
    """
    workbook.log({"loss": 1})
    workbook.close()

    end = json.loads((home_of(workbook) / ".lab-workbook" / "end.json").read_text())
    assert "metrics.csv" in end["files"]


_keys = st.sampled_from(["loss", "rate", "a,b", 'say "x"', "step"])
_values = st.one_of(
    st.integers(-9, 9), st.floats(width=16), st.none(), st.booleans(), st.text('ab,"\n', max_size=3)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(calls=st.lists(st.dictionaries(_keys, _values, max_size=4), max_size=12))
def test_whatever_is_logged_is_one_row_of_the_right_series(tmp_path_factory, calls):
    """
    Against the plain account: a list of rows for each set of keys.
    """
    folder = tmp_path_factory.mktemp("runs")
    expected = {}
    with lab_workbook.new_experiment(bucket_prefix=folder) as workbook:
        for number, values in enumerate(calls):
            step = values.get("step", number)
            if type(step) is not int and step is not None:
                with pytest.raises(InvalidRow):
                    workbook.log(values)
                continue
            workbook.log(values)
            keys = frozenset(values) - {"step"}
            expected.setdefault(keys, []).append(number if step is None else step)

    read = lab_workbook.ExperimentRepository(folder)[workbook.tag]
    found = {frozenset(read[name].columns) - {"Date"}: list(read[name].index) for name in read}
    assert found == expected
