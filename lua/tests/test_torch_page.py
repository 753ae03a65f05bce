"""docs/torch.md: its Lua runs, and leaves the artifacts that it names."""

from __future__ import annotations

from pathlib import Path

from tests import pages

PAGE = "docs/torch.md"

# What a script has beside a workbook; samples stand for an iterator.
PRELUDE = """
local standins = dofile('{tests}/standins.lua')
torch, optim, tnt = standins.torch(), {{}}, {{Log = standins.log}}
torch.CmdLine = standins.cmdline
arg = {{'-learningRate', '0.05'}}
local model, criterion, iterator = standins.module(), {{}}, nil
local engine = standins.engine()
local train = engine.train
function engine.train(self, options)
   options.samples = {{1, 2}}
   train(self, options)
   self:test{{samples = {{1}}, criterion = criterion}}
end
"""


def test_the_examples_run(run, prefix):
    """
    One after the other, on each Lua.
    """
    blocks = pages.read(PAGE, "lua")
    prelude = PRELUDE.format(tests=Path(__file__).resolve().parent)

    run(prelude + "".join(block.text for block in blocks), bare=True)

    (experiment,) = prefix.iterdir()
    series = {
        "log",
        "status",
        "test",
        "validation.log",
        "training steps",
        "training epochs",
        "training tests",
    }
    found = {path.name for path in experiment.iterdir()} - {".lab-workbook"}
    assert found == {"model.t7", "options.json", *(f"{name}.csv" for name in series)}
    assert '"learningRate": 0.05' in (experiment / "options.json").read_text()


def test_every_block_is_run():
    assert {block.language for block in pages.read(PAGE)} == {"lua"}
