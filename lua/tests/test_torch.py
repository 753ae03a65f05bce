"""
Drop-ins for scripts of Torch: optim.Logger, torchnet, torch.CmdLine, and models without their state.

Torch7 itself cannot be had any more, so `standins.lua` behaves as its sources do.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
STANDINS = f"local standins = dofile('{TESTS}/standins.lua')\n"


@pytest.fixture
def rows(prefix):
    """Return the lines of a series without their dates."""

    def rows(name):
        text = (prefix / "T" / name).read_text()
        return re.sub(r",\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", "", text, flags=re.MULTILINE).splitlines()

    return rows


def series(prefix):
    return sorted(path.name for path in (prefix / "T").glob("*.csv"))


# optim.Logger


def test_named_values_are_sorted_exact_and_counted(run, rows):
    """
    optim.Logger keeps five digits, and any order.
    """
    run(
        "local log = w:optimLogger('test') for i = 1, 3 do log:add{['test error'] = 0.1 / i, ['a'] = 'x'} end"
    )

    assert rows("test.csv") == [
        "row,a,test error,Date",
        '1,"x",0.1',
        '2,"x",0.05',
        '3,"x",0.033333333333333333',
    ]


def test_lists_take_the_names_of_setnames_in_their_order(run, rows):
    """
    Without setNames, a list has the names 1, 2 and so on.
    """
    done = run(
        "local log = w:optimLogger('test') print(log:setNames{'loss', 'error'} == log)"
        " log:add{0.5, 1} log:add{error = 3} log:setNames{'loss', 'error'} log:add{0.25, 2}"
        " w:optimLogger('plain'):add{7, 8}"
    )

    assert "true" in done.stdout
    assert rows("test.csv") == ["row,loss,error,Date", "1,0.5,1", "2,nil,3", "3,0.25,2"]
    assert rows("plain.csv") == ["row,1,2,Date", "1,7,8"]


def test_a_new_column_goes_on_in_a_further_series_with_all_of_them(run, rows, prefix):
    """
    Where optim.Logger raised; the count of rows goes on, so that the two can be joined.
    """
    done = run(
        "local log = w:optimLogger('test') log:add{a = 1} log:add{a = 2, b = 3} log:add{a = 4}"
        " log:add{c = 5} log:setNames{'x'} log:add{6}"
    )

    assert series(prefix) == ["test-2.csv", "test-3.csv", "test-4.csv", "test.csv"]
    assert rows("test.csv") == ["row,a,Date", "1,1"]
    assert rows("test-2.csv") == ["row,a,b,Date", "2,2,3", "3,4,nil"]
    assert rows("test-3.csv") == ["row,a,b,c,Date", "4,nil,nil,5"]
    assert rows("test-4.csv") == ["row,x,Date", "5,6"]
    assert done.stderr.count("'test' has new columns") == 1


def test_columns_that_never_end_are_refused(run, prefix):
    """
    After ten series, and what came before is kept.
    """
    done = run("local log = w:optimLogger('t') for i = 1, 20 do log:add{['c' .. i] = i} end", check=False)

    assert "has had new columns 10 times: give all by setNames" in done.stderr
    assert len(series(prefix)) == 10


def test_names_that_a_series_cannot_have_are_changed(run, rows):
    """
    And none is lost: our own columns, an empty one, and a number beside its text.
    """
    run(
        "local log = w:optimLogger('t')"
        " log:setNames{'row', 'Date', '', 'a', 'a'} log:add{1, 2, 3, 4, 5}"
        " w:optimLogger('u'):add{[1] = 1, ['1'] = 2}"
    )

    assert rows("t.csv") == ["row,row_,Date_,_,a,a_,Date", "1,1,2,3,4,5"]
    assert rows("u.csv") == ["row,1,1_,Date", "1,1,2"]


def test_a_bad_row_costs_only_itself(run, rows):
    """
    As with every log: it raises, and the next one is written.
    """
    done = run(
        "local log = w:optimLogger('t') log:add{a = 1} print(pcall(log.add, log, {a = print}))"
        " print(pcall(log.add, log, {[print] = 1})) print(pcall(log.add, log, 5)) log:add{a = 2}"
        " print(#log.symbols.a)"
    )

    assert "cannot hold a function" in done.stdout
    assert "the name of a column is a text or a number, not function (rule series.fields)" in done.stdout
    assert "add takes a table such as {loss = 0.5}, not number (rule series.row)" in done.stdout
    assert done.stdout.endswith("\n2\n")
    assert rows("t.csv") == ["row,a,Date", "1,1", "2,2"]


def test_what_scripts_set_and_call_around_the_rows_does_nothing(run, prefix):
    """
    Pictures are not drawn while training, which is said once.
    """
    done = run(
        "local log = w:optimLogger('t') log.showPlot = false log.epsfile = 'x.eps' log:add{a = 1}"
        " assert(log:style{a = '-'} == log and log.styles.a[1] == '-' and log.name == 't')"
        " log:setlogscale(true) assert(log.logscale) log:plot() log:plot('a')"
        " assert(log.names.a == 'a' and log.idx.a == 'a' and log.nsymbols == 0 and not log.empty)"
    )

    assert series(prefix) == ["t.csv"]
    assert done.stderr.count("draw nothing: `lab-workbook report`") == 1


def test_a_logger_whose_name_is_in_use_is_refused_at_once(run, prefix):
    """
    And not when the first epoch is over; without a row there is no file.
    """
    done = run(
        "w:optimLogger('t') print(pcall(w.optimLogger, w, 't')) print(pcall(w.optimLogger, w, '../x'))"
    )

    assert "'t.csv' is there already" in done.stdout
    assert "(rule name.parts)" in done.stdout
    assert series(prefix) == []


def test_a_closed_workbook_says_so(run, prefix):
    """
    To its loggers, too, whether they have a series or not.
    """
    done = run(
        "local one, other = w:optimLogger('t'), w:optimLogger('u') other:add{a = 1} w:close()"
        " print(pcall(one.add, one, {a = 1})) print(pcall(other.add, other, {a = 1}))"
        " print(pcall(w.optimLogger, w, 'v')) print(pcall(w.saveOptions, w, 'o', {}))"
    )

    assert done.stdout.count("is closed") == 4
    assert series(prefix) == ["u.csv"]


# torch.CmdLine


def test_options_are_saved_with_their_defaults_and_returned(run, prefix):
    """
    In the line that parses them.
    """
    done = run(
        STANDINS + "local cmd = standins.cmdline() cmd:option('-lr', 0.1) cmd:option('-model', 'resnet')"
        " cmd:option('--nesterov', false)"
        " local opt = w:saveOptions('options', cmd:parse{'-lr', '0.05'}) print(opt.lr)"
    )

    saved = json.loads((prefix / "T/options.json").read_text())
    assert saved == {"lr": 0.05, "model": "resnet", "nesterov": False}
    assert done.stdout.endswith("0.05\n")
    assert done.stderr == ""


def test_secrets_among_options_stay_out_unless_they_are_allowed(run, prefix):
    """
    As for saveJSON; the table that comes back has them.
    """
    run(
        "local opt = w:saveOptions('a', {apiKey = 'hunter2-hunter2'}) assert(opt.apiKey == 'hunter2-hunter2')"
        " w:saveOptions('b', opt, {allow = {'apiKey'}})"
    )

    assert json.loads((prefix / "T/a.json").read_text()) == {"apiKey": "[redacted]"}
    assert json.loads((prefix / "T/b.json").read_text()) == {"apiKey": "hunter2-hunter2"}


def test_what_is_no_option_is_left_out_and_named(run, prefix):
    """
    Functions, files, objects of Torch, a table that holds itself; the table of the script stays as it is.
    """
    done = run(
        STANDINS + "torch = standins.torch()"
        " local opt = {lr = 1, hook = print, net = standins.module(), list = {1, 2, 3},"
        " data = {path = 'x', file = io.stdout}, [true] = 4, empty = {}, none = lab.null,"
        " emptyList = lab.emptyArray} opt.self = opt"
        " w:saveOptions('options', opt) assert(opt.hook == print and opt.self == opt and opt.data.file)"
    )

    saved = json.loads((prefix / "T/options.json").read_text())
    assert saved == {
        "lr": 1,
        "list": [1, 2, 3],
        "data": {"path": "x"},
        "empty": {},
        "none": None,
        "emptyList": [],
    }
    left_out = done.stderr.partition("such values: ")[2].strip().split(", ")
    assert left_out == ["data.file", "hook", "net", "self", "true"]


def test_options_that_are_no_table_are_refused(run):
    done = run("print(pcall(w.saveOptions, w, 'options', 'x'))")

    assert "saveOptions takes a table such as cmd:parse(arg), not string (rule json.value)" in done.stdout


# saveTorch


def test_state_is_cleared_in_a_copy(run):
    """
    Also in the tables of a checkpoint, and what is shared stays shared; the model trains on as it is.
    """
    run(
        STANDINS + "torch = standins.torch() local inner = standins.module()"
        " local net = standins.module{inner, inner} local checkpoint = {epoch = 3, models = {net}}"
        " checkpoint.again = checkpoint"
        " w:saveTorch('model', checkpoint, {clearState = true}) local saved = torch.saved[1]"
        " assert(saved ~= checkpoint and saved.epoch == 3 and saved.again == saved)"
        " local copy = saved.models[1]"
        " assert(copy.output == nil and copy.modules[1].output == nil and copy.weight[2] == 2)"
        " assert(copy.modules[1] == copy.modules[2] and copy.weight ~= net.weight)"
        " assert(net.output == 'large' and inner.output == 'large')"
    )


@pytest.mark.parametrize("options", ["nil", "{}", "{clearState = false}"])
def test_without_the_option_the_object_itself_is_saved(run, prefix, options):
    """
    No copy is made, which would double the memory of a model.
    """
    run(
        STANDINS + f"torch = standins.torch() local net = standins.module() w:saveTorch('m', net, {options})"
        " assert(torch.saved[1] == net and net.output == 'large')"
    )

    assert (prefix / "T/m.t7").read_text() == "an object"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{clearstate = true}", "saveTorch has no option 'clearstate'; it has: clearState"),
        ("true", "the options of saveTorch are a table such as {clearState = true}, not boolean"),
    ],
)
def test_options_that_nobody_knows_are_refused(run, prefix, options, message):
    done = run(STANDINS + f"torch = standins.torch() print(pcall(w.saveTorch, w, 'm', 1, {options}))")

    assert message in done.stdout
    assert not (prefix / "T/m.t7").exists()


# torchnet


def test_each_flush_of_a_log_is_a_row(run, rows):
    """
    With numbers as numbers; torchnet's own views write all as text.
    """
    run(
        STANDINS + "local recorded = require 'lab-workbook.torchnet'"
        " local keys = {'epoch', 'loss', 'accuracy'}"
        " local log = standins.log{keys = keys, onFlush = {recorded.view{workbook = w, keys = keys}},"
        " onSet = {recorded.status{workbook = w}}}"
        " keys[1] = 'late'"
        " log:status('hello, world') log:set{epoch = 1, loss = 1 / 3, accuracy = 97} log:flush()"
        " log:set{epoch = 2, loss = 0 / 0} log:flush()"
    )

    assert rows("log.csv") == ["epoch,loss,accuracy,Date", "1,0.33333333333333331,97", "2,nan,nil"]
    assert rows("status.csv") == ["row,message,Date", '1,"| hello, world"']


TRAIN = (
    STANDINS + "local recorded = require 'lab-workbook.torchnet' local engine = standins.engine({})"
    " local called = 0 local function test() engine:test{samples = {4, 5}, criterion = {}} end"
)


def test_hooks_record_steps_epochs_and_tests(run, rows):
    """
    Also where a test runs in the middle of training, and a script sets the count of steps back.
    """
    run(
        TRAIN + " engine.hooks.onEndEpoch = function(state) state.t = 0 called = called + 1 test() end"
        " recorded.hooks(w, engine) engine:train{samples = {1, 2}, maxepoch = 2, lr = 0.1}"
        " assert(called == 2)"
    )

    assert rows("training steps.csv") == ["step,epoch,loss,Date", "1,1,1", "2,1,2", "3,2,1", "4,2,2"]
    assert rows("training epochs.csv") == [
        "epoch,loss,steps,learningRate,Date",
        "1,1.5,2,0.1",
        "2,1.5,2,0.1",
    ]
    assert rows("training tests.csv") == ["test,epoch,loss,batches,Date", "1,1,4.5,2", "2,2,4.5,2"]


def test_hooks_of_an_optim_engine_take_the_rate_from_its_settings(run, rows):
    """
    With a row for every third step only, and means of all of them.
    """
    run(
        STANDINS + "local engine = standins.engine{learningRate = 0.5}"
        " require('lab-workbook.torchnet').hooks(w, engine, {name = 'x', every = 3})"
        " engine:train{samples = {1, 2, 3, 4}, maxepoch = 1} engine:test{samples = {1}}"
    )

    assert rows("x steps.csv") == ["step,epoch,loss,Date", "3,1,3"]
    assert rows("x epochs.csv") == ["epoch,loss,steps,learningRate,Date", "1,2.5,4,0.5"]
    assert rows("x tests.csv") == ["test,epoch,loss,batches,Date", "1,1,nil,0"]


def test_a_loss_that_is_no_number_is_missing(run, rows):
    """
    And does not stop the training.
    """
    run(
        TRAIN + " recorded.hooks(w, engine) engine:train{samples = {1, {}, 2}, maxepoch = 1}"
        " assert(called == 0 and test)"
    )

    assert rows("training steps.csv")[1:] == ["1,1,1", "2,1,nil", "3,1,2"]
    assert rows("training epochs.csv")[1:] == ["1,1.5,2,nil"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("t.hooks(w, {})", "takes a workbook and an engine of torchnet"),
        ("t.hooks(w, e, {every = 0})", "every is a whole number of at least 1, not 0"),
        ("t.hooks(w, e, {each = 2})", "has no option 'each'; it has: every, name"),
        ("t.view{keys = {'a'}}", "torchnet.view takes a table with workbook = ..."),
        ("t.view{workbook = w}", "a series has at least one field (rule series.fields)"),
        ("t.view{workbook = w, key = {}}", "torchnet.view has no option 'key'"),
        ("t.status(w)", "torchnet.status takes a table with workbook = ..."),
    ],
)
def test_misuse_of_torchnets_hooks_says_what_to_do(run, call, message):
    done = run(
        STANDINS + "local t, e = require 'lab-workbook.torchnet', standins.engine()"
        f" print(pcall(function() {call} end))"
    )

    assert message in done.stdout
