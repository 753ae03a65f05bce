--- A workbook: one experiment while it is being written.
--
--    local workbook = require('lab-workbook'):newExperiment{}
--    workbook:saveJSON('parameters', {learningRate = 0.001})
--    workbook:saveGitStatus()
--    local lossLog = workbook:newTimeSeriesLog('Training loss', {'epoch', 'loss'})
--    lossLog{epoch = 1, loss = 0.25}
--    workbook:close()
--
-- Misuse raises at once, with the id of the rule. What the machine does (a full disk, a network that is
-- down) is warned of once and counted, and never stops the script.
--
-- @classmod lab-workbook.workbook

require 'lab-workbook.interpreted'(true, true)

local dates = require 'lab-workbook.dates'
local delivery = require 'lab-workbook.delivery'
local environment = require 'lab-workbook.environment'
local errors = require 'lab-workbook.errors'
local files = require 'lab-workbook.files'
local guard = require 'lab-workbook.guard'
local json = require 'lab-workbook.json'
local lifecycle = require 'lab-workbook.lifecycle'
local losses = require 'lab-workbook.losses'
local names = require 'lab-workbook.names'
local nowhere = require 'lab-workbook.nowhere'
local optimlogger = require 'lab-workbook.optimlogger'
local plainoptions = require 'lab-workbook.options'
local process = require 'lab-workbook.process'
local redaction = require 'lab-workbook.redaction'
local series = require 'lab-workbook.series'
local shell = require 'lab-workbook.shell'
local source = require 'lab-workbook.source'
local spec = require 'lab-workbook.spec'
local text = require 'lab-workbook.text'
local torchfile = require 'lab-workbook.torchfile'

local Workbook = {}
Workbook.__index = Workbook

--- Return the workbook of an experiment that was just claimed.
-- @string tag its tag
-- @table place where its files go
function Workbook.new(tag, place)
   local self = setmetatable({tag = tag, where = place.where, place = place}, Workbook)
   self.losses = losses.new()
   self.register = names.register()
   self.series = {}
   -- A descriptor kept in reserve, so that the experiment can end in a script that has used up all others.
   self.spare = io.open('/dev/null', 'rb')
   self.owner = process.current()
   lifecycle.watch(self)
   return self
end

function Workbook:__tostring()
   return ('workbook %s in %s'):format(self.tag, self.where)
end

-- Stops recording in a process that was forked from the one that opened the experiment: its files are the
-- parent's.
local function leaveToParent(self)
   if not process.isForkOf(self.owner) then return end
   self.owner = process.current()
   self.place:leave()
   local isSaid = false
   self.place = nowhere.new(self.where, function()
      if isSaid then return end
      isSaid = true
      errors.warn(('this process was forked from the one that writes %s: what it logs is not recorded')
         :format(self.tag))
   end)
   self.isForked = true
end

--- Return whether what is logged here is recorded. Not for users.
-- It is not where recording is switched off, and in a forked child.
function Workbook:isRecording()
   leaveToParent(self)
   return not self.place.isNowhere
end

-- Raises if a verb was called with a dot, or after the end.
local function check(self, verb)
   if getmetatable(self) ~= Workbook then
      errors.refuse(('call it with a colon: workbook:%s(...)'):format(verb))
   end
   if self.isClosed then
      errors.misuse('end.last', ('the workbook %s is closed, so %s is too late'):format(self.tag, verb))
   end
   leaveToParent(self)
end

-- Returns the name of an artifact: what the caller said, and the suffix of its kind (rule kind.suffix).
local function artifact(self, name, suffix)
   local full = names.suffixed(name, suffix)
   if self.series[full] then
      errors.misuse('series.once', ('%s is a series of this experiment: choose another name'):format(
         text.shown(full)))
   end
   self.register:add(full)
   return full
end

local function save(self, name, fill, discard)
   local done, problem = self.place:save(name, fill, discard)
   if done then
      self.losses:noteSaved(name)
   else
      self.losses:add(spec.LOSS_ARTIFACTS, ('%s: %s'):format(text.shown(name), tostring(problem)), name)
   end
   return done
end

local function saveBytes(self, name, bytes)
   save(self, name, function(path) return files.write(path, bytes) end)
end

--- Save a value as JSON, under its name and '.json'. Saving a name again replaces the artifact.
-- @string name the artifact
-- What looks like a secret, by its key or its shape, is written as `[redacted]`, counted and warned of.
-- @param value tables, texts, numbers, booleans, null; see lab-workbook.json
-- @table[opt] options `allow`: a list of keys below which all stays as it is
function Workbook:saveJSON(name, value, options)
   check(self, 'saveJSON')
   if options ~= nil and (type(options) ~= 'table' or type(options.allow or {}) ~= 'table') then
      errors.misuse('json.secrets', "the options of saveJSON are a table such as {allow = {'apiKey'}}")
   end
   local found = {}
   local under = redaction.under(options and options.allow or {}, function(key) found[#found + 1] = key end)
   -- Counted only once nothing can be refused any more.
   local mended = {}
   local bytes = json.encode(value, function(kind, why) mended[#mended + 1] = {kind, why} end, under)
   local full = artifact(self, name, spec.KIND_JSON_SUFFIX)
   for _, each in ipairs(mended) do self.losses:add(each[1], each[2]) end
   local key = found[1] ~= '' and found[1]
   self.losses:addSecrets(text.shown(full), found,
      key and ('; saveJSON(name, value, {allow = {%s}}) keeps it'):format(text.shown(key)))
   saveBytes(self, full, bytes)
end

--- Save the options of a script as JSON, under their name and '.json', and return them.
--
--    local options = workbook:saveOptions('options', cmd:parse(arg))
--
-- Functions, tensors and other things that JSON cannot hold are left out, which is said on stderr.
-- @string name the artifact
-- @table given the options, such as torch.CmdLine gives them, with its defaults
-- @table[opt] choices as for saveJSON
-- @treturn table the same table
function Workbook:saveOptions(name, given, choices)
   check(self, 'saveOptions')
   if type(given) ~= 'table' then
      errors.misuse('json.value', ('saveOptions takes a table such as cmd:parse(arg), not %s'):format(
         type(given)))
   end
   local plain, dropped = plainoptions.plain(given)
   self:saveJSON(name, plain, choices)
   if #dropped > 0 then
      errors.warn(('%s: left out, because JSON has no such values: %s'):format(
         text.shown(name), table.concat(dropped, ', ')))
   end
   return given
end

--- Save a Torch object with the torch that the script has, under its name and '.t7'.
-- @string name the artifact
-- @param object whatever torch.save takes
-- @table[opt] choices `clearState` lets the modules of a copy drop what they keep of their last input
function Workbook:saveTorch(name, object, choices)
   check(self, 'saveTorch')
   local fill = torchfile.filler(object, torchfile.checkOptions(choices))
   save(self, artifact(self, name, spec.KIND_TORCH7_SUFFIX), fill)
end

--- Save the source as it runs: NAME.git-current-commit, NAME.git-patch, which leads from that commit to the
-- files as they are, and NAME.git-state.json, which says what else there is, and what was left out.
-- Where there is no repository nothing is saved, which is said on stderr.
-- @string[opt='Source'] name the artifacts
function Workbook:saveGitStatus(name)
   check(self, 'saveGitStatus')
   if name == nil then name = spec.GIT_DEFAULT_NAME end
   for _, suffix in ipairs{spec.KIND_GIT_COMMIT_SUFFIX, spec.KIND_GIT_PATCH_SUFFIX, spec.GIT_STATE_SUFFIX} do
      artifact(self, name, suffix)
   end
   if self.place.isNowhere then return self.place.notice() end
   local captured = source.capture(name)
   if captured.isLost then
      self.losses:add(spec.LOSS_ARTIFACTS, ('saveGitStatus: %s'):format(captured.nothing))
   elseif captured.nothing then
      self.losses:sayOnce('git', ('saveGitStatus: nothing is recorded: %s'):format(captured.nothing))
   end
   for _, part in ipairs(captured.parts) do save(self, artifact(self, name, part.suffix), part.fill) end
   for _, note in ipairs(captured.notes) do
      self.losses:sayOnce('git ' .. note, 'saveGitStatus: ' .. note)
   end
   captured.discard()
end

--- Save what the script runs in, as NAME.json: interpreter and rocks, host and operating system, processors,
-- memory and GPUs, command, working directory, and the variables that bear on a result, without secrets.
-- @string[opt='environment'] name the artifact
function Workbook:saveEnvironment(name)
   check(self, 'saveEnvironment')
   if name == nil then name = spec.ENVIRONMENT_DEFAULT_NAME end
   local full = artifact(self, name, spec.KIND_JSON_SUFFIX)
   if self.place.isNowhere then return self.place.notice() end
   local captured = environment.capture()
   self.losses:addSecrets(text.shown(full), captured.secrets)
   saveBytes(self, full, json.encode(captured.document, self.losses.report))
end

-- Returns what writes a file that is given away, what puts it back, and what removes a copied original.
local function giveAway(path)
   local isRenamed, isCopied = false, false
   local function fill(target)
      isRenamed = files.move(path, target)
      if isRenamed then return true end
      local done, problem = files.copy(path, target)
      isCopied = done
      return done, problem
   end
   local function discard(target)
      if not isRenamed then return os.remove(target) end
      if shell.run(shell.command('mv -n -- %s %s', target, path)) ~= 0 then
         errors.warn(('%s is %s, which could be neither saved nor put back'):format(target, path))
      end
   end
   local function letGo()
      -- A workbook that is switched off asks for no copy.
      if isCopied then os.remove(path) end
   end
   return fill, discard, letGo
end

--- Save a copy of a file under the name given. With `move` the file is given away: it is renamed, which
-- costs neither time nor disk, and is gone from `path`; across file systems it is copied and removed.
-- @string name the artifact, with the suffix that it should have
-- @string path the file; raises if there is no such file, or if it may not be read
-- @table[opt] options `move`
function Workbook:saveFile(name, path, options)
   check(self, 'saveFile')
   local full = artifact(self, name, spec.KIND_FILE_SUFFIX)
   if type(path) ~= 'string' then
      errors.misuse('kind.replace', ('the path of a file is a text, not %s'):format(type(path)))
   end
   if options ~= nil and type(options) ~= 'table' then
      errors.misuse('kind.replace', ('the options of saveFile are a table, not %s'):format(type(options)))
   end
   local readable, problem, isPath = files.canRead(path)
   if isPath then errors.refuse(('%s cannot be saved: %s'):format(text.shown(full), problem)) end
   if not readable then
      self.losses:add(spec.LOSS_ARTIFACTS, ('%s: %s'):format(text.shown(full), problem))
      return
   end
   if not (options and options.move) then
      save(self, full, function(target) return files.copy(path, target) end)
      return
   end
   local fill, discard, letGo = giveAway(path)
   if save(self, full, fill, discard) then letGo() end
end

--- Save a text under the name given.
-- @string name the artifact, with the suffix that it should have
-- @string value the text
function Workbook:saveText(name, value)
   check(self, 'saveText')
   local full = artifact(self, name, spec.KIND_TEXT_SUFFIX)
   if type(value) ~= 'string' then
      errors.misuse('text.mended', ('saveText takes a text, not %s: use saveJSON or tostring(x)'):format(
         type(value)))
   end
   saveBytes(self, full, text.mended(value, self.losses.report, true))
end

-- Takes the name of a series into use, once (rule series.once).
local function seriesName(self, name)
   local full = names.suffixed(name, spec.KIND_SERIES_SUFFIX)
   for _, used in ipairs(self.register:list()) do
      if used == full then
         errors.misuse('series.once', ('%s is there already: open a series once and keep its log'):format(
            text.shown(full)))
      end
   end
   self.register:add(full)
   return full
end

--- Count secrets that were redacted in a text of the experiment itself. Not for users.
-- @string where which text
-- @int count how many
function Workbook:addSecrets(where, count)
   local given = {}
   for index = 1, count do given[index] = '' end
   self.losses:addSecrets(where, given)
end

local function openSeries(self, name, full, keys, titles, rows)
   local shown, secrets = redaction.keys(titles)
   self:addSecrets('the fields of ' .. text.shown(full), secrets)
   local file = self.place:openSeries(full, series.header(shown), rows)
   self.series[full] = file
   local rowText = series.rowWriter(name, keys, self.losses.report)
   return self:log(full, file, series.withoutSecrets(keys, titles, rowText, function(field)
      self.losses:addSecrets(text.shown(full), {field})
   end))
end

--- Start a CSV artifact that grows while you train, under its name and '.csv'.
-- The first field becomes the index when the series is read; a UTC `Date` is added to each row.
-- @string name the artifact
-- @tparam {string} fields the columns
-- @int[opt] saveEvery publish to S3 after so many rows; without it every `uploadEvery` seconds
-- @treturn func the log: `log{epoch = 1, loss = 0.25}` appends a row; a field left out is missing
function Workbook:newTimeSeriesLog(name, fields, saveEvery)
   check(self, 'newTimeSeriesLog')
   names.suffixed(name, spec.KIND_SERIES_SUFFIX)
   local keys, titles = series.checkFields(name, fields)
   local rows = series.checkSaveEvery(name, saveEvery)
   return openSeries(self, name, seriesName(self, name), keys, titles, rows)
end

--- Return what has the methods of optim.Logger, and writes the series NAME.csv.
--
--    local logger = workbook:optimLogger('test')      -- was: optim.Logger('test.log')
--    logger:add{['training error'] = 0.25, ['test error'] = 0.5}
--
-- Columns that come later go on in NAME-2.csv, and so on, with all that are known by then.
-- @string name the artifact
function Workbook:optimLogger(name)
   check(self, 'optimLogger')
   -- Taken at once, so that a name in use is refused before the first epoch and not after it.
   local first = seriesName(self, name)
   return optimlogger.new(name, function(fields, count)
      check(self, 'a row of ' .. text.shown(name))
      local title = count == 1 and name or ('%s-%d'):format(name, count)
      local full = count == 1 and first or seriesName(self, title)
      local keys, titles = series.checkFields(title, fields)
      return openSeries(self, title, full, keys, titles)
   end, function(about, message) self.losses:sayOnce(about, message) end)
end

-- Looks after the delivery, which must not stop a row that is safe already.
local function watch(self, place, now)
   local ran, problem = pcall(place.tick, place, now)
   if ran then return end
   problem = tostring(problem)
   if errors.isInterrupt(problem) then error(problem, 0) end
   self.losses:sayOnce('tick', 'the upload is not watched: ' .. problem)
end

--- Return the log of a series. Not for users.
-- @string name the artifact
-- @tparam AppendFile file its file
-- @func rowText gives the text of a row, and the time
function Workbook:log(name, file, rowText)
   local seen = 0
   return function(row)
      if self.isClosed then check(self, 'a row of ' .. text.shown(name)) end
      local line, now = rowText(row)
      local isLater = now ~= seen
      if isLater then
         seen = now
         -- Once a second, because it takes 20 microseconds, as long as several rows.
         leaveToParent(self)
      end
      if self.isForked then return self.place.notice() end
      local done, problem = file:append(line)
      if not done then self.losses:add(spec.LOSS_ROWS, ('%s: %s'):format(text.shown(name), problem)) end
      if isLater and self.place.tick then watch(self, self.place, now) end
   end
end

--- Make everything so far survive a power loss, and ask for its delivery.
-- @number[opt] seconds how long to wait until all is in the bucket; not at all by default
-- It is false from the first row on that was lost, such as by a full disk, and until each artifact that was
-- lost is saved again. After close it does nothing, and returns what close has returned.
-- @treturn boolean whether it is on the disk, or with `seconds` where it belongs
function Workbook:flush(seconds)
   if getmetatable(self) ~= Workbook then check(self, 'flush') end
   leaveToParent(self)
   if seconds ~= nil and (type(seconds) ~= 'number' or seconds < 0 or seconds ~= seconds) then
      errors.refuse('flush takes a number of seconds, 0 or more, not ' .. text.shown(seconds))
   end
   if self.isClosed then return self.isWhole end
   return self.place:flush(seconds) and self.losses:isWhole()
end

-- Writes the end; returns what concludes it, and the delivery to wait for, if there is one.
local function startEnd(self, outcome, began)
   leaveToParent(self)
   self.isClosed = true
   lifecycle.forget(self)
   if io.type(self.spare) == 'file' then self.spare:close() end
   for _, file in pairs(self.series) do self.place:finishFile(file) end
   -- Until it is known, and if this raises.
   self.isWhole = false
   return self.place:finish({
      ended = dates.text(),
      outcome = outcome,
      error = json.null,
      lost = self.losses.counts,
   }, began)
end

--- End the experiment: it has finished. Closing again does nothing, and returns the same.
-- @treturn boolean whether everything is where it belongs, and no row or artifact was lost
function Workbook:close()
   if getmetatable(self) ~= Workbook then check(self, 'close') end
   if self.isClosed then return self.isWhole end
   local conclude, waiting = startEnd(self, spec.OUTCOME_FINISHED, os.time())
   if waiting then delivery.waitForAll{waiting} end
   self.isWhole = conclude() and self.losses:isWhole()
   return self.isWhole
end

--- Write the end of the experiment because the script is over. Not for users.
-- @int began when the experiments of the script began to end
-- @treturn func concludes it, once it was waited for
-- @treturn ?Delivery what to wait for
function Workbook:startUnaskedEnd(began)
   return startEnd(self, spec.OUTCOME_ENDED, began)
end

-- Every public method goes through the guard; a row does not, which raises nothing but misuse by itself.
for _, name in ipairs{'saveJSON', 'saveOptions', 'saveTorch', 'saveGitStatus', 'saveEnvironment', 'saveFile',
   'saveText'} do
   Workbook[name] = guard.verb(name, Workbook[name], spec.LOSS_ARTIFACTS)
end
for _, name in ipairs{'flush', 'close'} do
   Workbook[name] = guard.verb(name, Workbook[name], nil, function() return false end)
end
-- A script without a log would stop at its first row.
Workbook.newTimeSeriesLog = guard.verb('newTimeSeriesLog', Workbook.newTimeSeriesLog, nil, function(self)
   return function() self.losses:add(spec.LOSS_ROWS) end
end)
Workbook.optimLogger = guard.verb('optimLogger', Workbook.optimLogger)

return Workbook
