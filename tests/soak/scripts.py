"""
Training scripts that are in a hurry: rows in several series, documents, checkpoints, without end.

Each call waits for a byte on the standard input. After it has returned, the script says so on its
standard output: ``loss-1 17`` for a row, ``options-2 5`` for a document, ``model-0 3`` for a checkpoint.
What was said is what was promised.
"""

PYTHON = """
import os, random, sys, lab_workbook
seed, tag = int(sys.argv[1]), sys.argv[2]
rng = random.Random(seed)
workbook = lab_workbook.new_experiment(tag=tag, upload_every=0.2)
logs = [workbook.new_time_series_log(f"loss-{n}", ["step", "text"], save_every=rng.choice([1, 10, None]))
        for n in range(3)]
steps, saved = [0] * 3, {}
os.write(1, b"ready\\n")
while os.read(0, 1):
    what = rng.random()
    if what < 0.95:
        n = rng.randrange(3)
        logs[n](step=steps[n], text=f'"{steps[n]}"\\n' * rng.randrange(5))
        steps[n] += 1
        os.write(1, b"loss-%d %d\\n" % (n, steps[n]))
        continue
    kind = "options" if what < 0.98 else "model"
    name = f"{kind}-{rng.randrange(4)}"
    number = saved[name] = saved.get(name, 0) + 1
    if kind == "options":
        workbook.save_json(name, {"number": number})
    else:
        workbook.save_text(name, f"{number} " * rng.randrange(20000, 60000))
    os.write(1, f"{name} {number}\\n".encode())
"""

LUA = """
math.randomseed(tonumber(arg[1]))
local workbook = require('lab-workbook'):newExperiment{tag = arg[2], uploadEvery = 0.2}
local every = {1, 10, false}
local logs, steps, saved = {}, {}, {}
for n = 0, 2 do
   logs[n] = workbook:newTimeSeriesLog('loss-' .. n, {'step', 'text'}, every[math.random(3)] or nil)
   steps[n] = 0
end
io.stdout:setvbuf('no')
io.stdin:setvbuf('no')
io.write('ready\\n')
while io.read(1) do
   local what = math.random()
   if what < 0.95 then
      local n = math.random(0, 2)
      logs[n]{step = steps[n], text = ('"%d"\\n'):format(steps[n]):rep(math.random(0, 4))}
      steps[n] = steps[n] + 1
      io.write(('loss-%d %d\\n'):format(n, steps[n]))
   else
      local name = ('%s-%d'):format(what < 0.98 and 'options' or 'model', math.random(0, 3))
      local number = (saved[name] or 0) + 1
      saved[name] = number
      if what < 0.98 then
         workbook:saveJSON(name, {number = number})
      else
         workbook:saveText(name, (number .. ' '):rep(math.random(20000, 60000)))
      end
      io.write(('%s %d\\n'):format(name, number))
   end
end
"""
