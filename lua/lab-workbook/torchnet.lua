--- What torchnet logs and trains, as series.
--
--    local recorded = require 'lab-workbook.torchnet'
--    local log = tnt.Log{
--       keys = {'epoch', 'loss'},
--       onFlush = {recorded.view{workbook = workbook, name = 'log', keys = {'epoch', 'loss'}}},
--       onSet = {recorded.status{workbook = workbook}},
--    }
--    recorded.hooks(workbook, engine)
--
-- Torchnet itself is not needed to load this: it calls plain functions, and here they are.
--
-- @module lab-workbook.torchnet

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'
local scalars = require 'lab-workbook.scalars'
local text = require 'lab-workbook.text'

local torchnet = {}

-- What tnt.Log:status() sets.
local STATUS = '__status__'

-- Returns the options of a view, after all that can be wrong with them.
local function checked(options, called, known)
   if type(options) ~= 'table' or type(options.workbook) ~= 'table' then
      errors.refuse(('torchnet.%s takes a table with workbook = ...'):format(called))
   end
   for key in next, options do
      if not known[key] then
         errors.refuse(('torchnet.%s has no option %s'):format(called, text.shown(key)))
      end
   end
   return options
end

--- Return a view for `onFlush` of a tnt.Log: each flush is a row.
-- A tnt.RemoteLog sends its views to another process, which has no workbook: it cannot have this one.
-- @table options `workbook`; `keys`, the fields, of which the first becomes the index; `name` of the series,
--   'log' by default
-- @treturn func given the log
function torchnet.view(options)
   options = checked(options, 'view', {workbook = true, keys = true, name = true})
   local keys = {}
   for place, key in ipairs(options.keys or {}) do keys[place] = key end
   local write = options.workbook:newTimeSeriesLog(options.name or 'log', keys)
   return function(log)
      local row = {}
      for _, key in ipairs(keys) do row[key] = log:get(key) end
      write(row)
   end
end

--- Return a view for `onSet` of a tnt.Log: each log:status('...') is a row.
-- @table options `workbook`; `name` of the series, 'status' by default
-- @treturn func given the log, a key and its value
function torchnet.status(options)
   options = checked(options, 'status', {workbook = true, name = true})
   local write, count = options.workbook:newTimeSeriesLog(options.name or 'status', {'row', 'message'}), 0
   return function(_, key, value)
      if key ~= STATUS then return end
      count = count + 1
      write{row = count, message = value}
   end
end

-- Returns the loss of this batch, or nil where the criterion gives no number.
local function lossOf(state)
   local output = state.criterion and state.criterion.output
   return type(output) == 'number' and output or scalars.item(output)
end

-- Returns the learning rate, which SGDEngine has beside and OptimEngine in the settings of its method.
local function rateOf(state)
   if type(state.lr) == 'number' then return state.lr end
   local rate = type(state.config) == 'table' and state.config.learningRate
   return type(rate) == 'number' and rate or nil
end

local Recorder = {}
Recorder.__index = Recorder

-- What is known of one call of train or test: engine:test() often runs in the middle of engine:train().
function Recorder:run(state)
   local run = self.runs[state]
   if not run then
      run = {sum = 0, count = 0}
      self.runs[state] = run
   end
   return run
end

local function mean(run)
   return run.count > 0 and run.sum / run.count or nil
end

function Recorder:onForwardCriterion(state)
   local run, loss = self:run(state), lossOf(state)
   if loss then run.sum, run.count = run.sum + loss, run.count + 1 end
   if not state.training then return end
   -- A count of our own, because scripts set state.t back between epochs.
   self.step = self.step + 1
   if self.step % self.every == 0 then
      self.steps{step = self.step, epoch = state.epoch + 1, loss = loss}
   end
end

function Recorder:onEndEpoch(state)
   local run = self:run(state)
   self.epoch = state.epoch
   self.epochs{epoch = state.epoch, loss = mean(run), steps = run.count, learningRate = rateOf(state)}
   self.runs[state] = nil
end

function Recorder:onEnd(state)
   local run = self:run(state)
   self.runs[state] = nil
   if state.training then return end
   self.count = self.count + 1
   if not self.tests then
      self.tests = self.workbook:newTimeSeriesLog(self.name .. ' tests', {'test', 'epoch', 'loss', 'batches'})
   end
   self.tests{test = self.count, epoch = self.epoch, loss = mean(run), batches = run.count}
end

--- Record what a tnt.SGDEngine or tnt.OptimEngine trains: `NAME steps.csv` has a row a batch, `NAME
-- epochs.csv` the mean loss and the learning rate of each epoch, and `NAME tests.csv` the mean loss of each
-- engine:test{}. Hooks that are there go on being called, after ours; give yours before, because assigning
-- one takes ours away.
-- @tparam Workbook workbook
-- @param engine a tnt.Engine
-- @table[opt] options `name`, 'training' by default; `every`, how many steps there are to a row, 1 by default
function torchnet.hooks(workbook, engine, options)
   options = options or {}
   for key in next, options do
      if key ~= 'name' and key ~= 'every' then
         errors.refuse(('torchnet.hooks has no option %s; it has: every, name'):format(text.shown(key)))
      end
   end
   local every, name = options.every or 1, options.name or 'training'
   if type(every) ~= 'number' or every < 1 or every % 1 ~= 0 then
      errors.refuse('torchnet.hooks: every is a whole number of at least 1, not ' .. text.shown(every))
   end
   if type(engine) ~= 'table' or type(engine.hooks) ~= 'table' then
      errors.refuse('torchnet.hooks takes a workbook and an engine of torchnet, which has hooks')
   end
   local recorder = setmetatable({
      workbook = workbook, name = name, every = every, step = 0, count = 0,
      runs = setmetatable({}, {__mode = 'k'}),
      steps = workbook:newTimeSeriesLog(name .. ' steps', {'step', 'epoch', 'loss'}),
      epochs = workbook:newTimeSeriesLog(name .. ' epochs', {'epoch', 'loss', 'steps', 'learningRate'}),
   }, Recorder)
   for _, event in ipairs{'onForwardCriterion', 'onEndEpoch', 'onEnd'} do
      local before = engine.hooks[event]
      engine.hooks[event] = function(state, ...)
         recorder[event](recorder, state)
         return before(state, ...)
      end
   end
end

return torchnet
