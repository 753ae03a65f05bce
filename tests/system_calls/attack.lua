-- A training script in which system calls fail: every verb, and in it each kind of call, one after the other.
--
--    LD_PRELOAD=failing_calls.so luajit attack.lua PLACES VERB...
--    luajit attack.lua descriptors VERB...
--
-- In the second form all descriptors are in use while a verb is called, and when the script ends.
-- Each line of its output is one call: verb, case, whether a call has failed, what was raised, rows and
-- artifacts that are missing, rows and artifacts that were counted, and the folder of the experiment.

local labWorkbook = require 'lab-workbook'

-- EMFILE, ENFILE, EACCES, ENOSPC, ESTALE, EIO, ENOMEM, EROFS, EDQUOT and the like, as Linux numbers them.
local ERRNOS = {
   open = {24, 23, 13, 28, 116, 5, 12, 30, 122, 4},
   write = {28, 5, 122},
   short = {28},
   fork = {11, 12, 24},
   rename = {5, 28, 13, 30},
   other = {5, 12, 116, 13},
}

local taken = {}

local function takeDescriptors()
   repeat
      local file = io.open('/dev/null')
      taken[#taken + 1] = file
   until not file
end

-- Gives a command to the library, or does it itself; returns the calls since the last one, by kind.
local function fail(command)
   for index = #taken, 1, -1 do table.remove(taken, index):close() end
   if command == 'descriptors' then takeDescriptors() end
   if arg[1] == 'descriptors' then return {descriptors = 1, failed = 1} end
   local calls = {}
   for kind, number in os.getenv('fail ' .. (command or 'nothing')):gmatch('(%a+)=(%d+)') do
      calls[kind] = tonumber(number)
   end
   return calls
end

local function read(path)
   local file = io.open(path, 'rb')
   local data = file and file:read('*a')
   if file then file:close() end
   return data
end

local function write(path, data)
   local file = assert(io.open(path, 'wb'))
   file:write(data)
   file:close()
end

-- An object of Torch that writes itself, and its own words for what the disk refuses.
torch = {save = function(path, object)  -- luacheck: ignore
   local file, problem = io.open(path, 'wb')
   if not file then error(('cannot open <%s> in mode w: %s'):format(path, problem)) end
   file:setvbuf('no')
   local done = file:write(object)
   file:close()
   if not done then error('write error: wrote 0 blocks instead of 1') end
end}

-- Torch writes by C; LuaJIT's compiled code would repeat a write that was cut short.
if rawget(_G, 'jit') then rawget(_G, 'jit').off(rawget(_G, 'torch').save) end

local last = 0
local function newScript()
   local workbook = labWorkbook:newExperiment{}
   local script = {workbook = workbook, root = workbook.place.root}
   script.log = workbook:newTimeSeriesLog('loss', {'step'})
   return script
end

local function missing(script, name, data)
   local path, queue = script.root .. name, read(script.root .. '.lab-workbook/queue')
   for line in (queue or ''):gmatch('[^\n]+') do
      if line:find('"name": "' .. name .. '"', 1, true) then
         path = script.root .. '.lab-workbook/outbox/' .. (line:match('"outbox": "(%d+)"') or '')
      end
   end
   local there = read(path)
   return {artifacts = (there == nil or data and there ~= data) and 1 or 0}
end

local function missingRows(script, name, cells)
   local text, count = '\n' .. (read(script.root .. name .. '.csv') or ''), 0
   for _, cell in ipairs(cells) do
      if not text:find('\n' .. cell .. ',', 1, true) then count = count + 1 end
   end
   return {rows = count}
end

-- Each returns what calls the verb, and what tells how much of the call is missing.
local VERBS = {}

function VERBS.saveJSON(script, number)
   local name = 'json/' .. number
   return function() script.workbook:saveJSON(name, {n = number}) end,
      function() return missing(script, name .. '.json', ('{"n": %d}'):format(number)) end
end

function VERBS.saveOptions(script, number)
   local name = 'options' .. number
   return function() script.workbook:saveOptions(name, {n = number}) end,
      function() return missing(script, name .. '.json', ('{"n": %d}'):format(number)) end
end

function VERBS.saveText(script, number)
   local name = 'text' .. number
   return function() script.workbook:saveText(name, name) end,
      function() return missing(script, name, name) end
end

function VERBS.saveTextAgain(script, number)
   local value = 'version ' .. number
   return function() script.workbook:saveText('same', value) end,
      function() return missing(script, 'same', value) end
end

local function saveFile(script, number, options)
   local name, path = 'file' .. number, 'source' .. number
   write(path, name)
   return function() script.workbook:saveFile(name, path, options) end,
      function()
         local found = missing(script, name, name)
         assert(read(path) or (options and found.artifacts == 0), 'the original is gone')
         return found
      end
end

function VERBS.saveFile(script, number) return saveFile(script, number) end
function VERBS.saveFileMoved(script, number) return saveFile(script, number, {move = true}) end

function VERBS.saveTorch(script, number)
   local name = 'model' .. number
   return function() script.workbook:saveTorch(name, name) end,
      function() return missing(script, name .. '.t7', name) end
end

function VERBS.saveGitStatus(script, number)
   local name = 'Source' .. number
   return function() script.workbook:saveGitStatus(name) end,
      function()
         local count = 0
         for _, suffix in ipairs{'.git-current-commit', '.git-patch', '.git-state.json'} do
            count = count + missing(script, name .. suffix).artifacts
         end
         -- Of what could not be captured at all, it is not known what it would have been.
         return {artifacts = count == 3 and 1 or count}
      end
end

function VERBS.saveEnvironment(script, number)
   local name = 'environment' .. number
   return function() script.workbook:saveEnvironment(name) end,
      function() return missing(script, name .. '.json') end
end

function VERBS.newTimeSeriesLog(script, number)
   local name, log = 'folder' .. number .. '/series', nil
   return function() log = script.workbook:newTimeSeriesLog(name, {'step'}) end,
      function()
         -- The fault is gone now.
         log{step = number}
         return missingRows(script, name, {number})
      end
end

function VERBS.firstRow(script, number)
   local name, log = 'first' .. number .. '/series', nil
   return function()
         log = script.workbook:newTimeSeriesLog(name, {'step'})
         log{step = 0}
      end,
      function()
         log{step = 1}
         return missingRows(script, name, {0, 1})
      end
end

function VERBS.row(script, number)
   return function() script.log{step = number} end,
      function() return missingRows(script, 'loss', {number}) end
end

-- The first row of a second, when the uploader of a spool is looked after as well.
function VERBS.rowOfASecond(script, number)
   local now = os.time()
   while os.time() == now do end
   return VERBS.row(script, number)
end

function VERBS.optimLogger(script, number)
   local name = 'logger' .. number
   return function() script.workbook:optimLogger(name):add{loss = number} end,
      function() return missingRows(script, name, {1}) end
end

function VERBS.flush(script, number)
   script.workbook:saveText('text' .. number, 'x')
   return function() script.workbook:flush() end, function() return {} end
end

function VERBS.shown(script)
   return function() return tostring(script.workbook) end, function() return {} end
end

function VERBS.close(script, number)
   script.log{step = number}
   script.workbook:saveText('text', 'x')
   return function() script.workbook:close() end,
      function() return {ends = read(script.root .. '.lab-workbook/end.json') and 0 or 1} end
end

-- Calls a function with each case: kind, place, errno, and how often (-1: from then on).
local function eachCase(calls, most, visit)
   if calls.descriptors then return visit 'descriptors' end
   local kinds = {}
   for kind in pairs(calls) do kinds[#kinds + 1] = kind end
   table.sort(kinds)
   for _, kind in ipairs(kinds) do
      local count, errnos, turn = calls[kind], ERRNOS[kind] or ERRNOS.other, 0
      local function one(nth, times)
         turn = turn % #errnos + 1
         visit(('%s %d %d %d'):format(kind, nth, errnos[turn], times))
      end
      if kind ~= 'failed' then
         for step = 0, math.min(most, count) - 1 do
            local nth = count <= most and step + 1 or 1 + math.floor(count * (2 * step + 1) / (2 * most))
            for _ = 1, most < 20 and 1 or #errnos do one(nth, 1) end
         end
         one(1, -1)
      end
   end
end

-- After these, no call is made to see that the fault is gone.
local SLOW = {close = true, saveGitStatus = true, saveEnvironment = true, rowOfASecond = true}

local function counted(script)
   return {rows = script.workbook.losses.counts.rows, artifacts = script.workbook.losses.counts.artifacts}
end

local function attack(name, script, most)
   local verb = VERBS[name]
   local function attempt()
      last = last + 1
      return verb(script, last)
   end
   local call, lacks = attempt()
   fail()
   call()
   local calls = fail()
   for kind, count in pairs(lacks()) do assert(count == 0, ('%s: %s are missing'):format(name, kind)) end
   eachCase(calls, most, function(case)
      if name == 'close' then script = newScript() end
      call, lacks = attempt()
      local before = counted(script)
      fail(case)
      local ran, raised = pcall(call)
      local failed = fail().failed
      local after, lost = counted(script), lacks()
      -- What `lacks` has logged is stored, now that nothing fails.
      io.stdout:write(table.concat({name, case, failed, ran and '' or tostring(raised):gsub('%s', ' '),
         lost.rows or 0, lost.artifacts or 0, after.rows - before.rows, after.artifacts - before.artifacts,
         lost.ends or 0, script.root}, '\t'), '\n')
      if not SLOW[name] then
         call, lacks = attempt()
         call()
         for kind, count in pairs(lacks()) do
            assert(count == 0, ('%s: %s are missing after %s'):format(name, kind, case))
         end
      end
   end)
   return script
end

local most = tonumber(arg[1])
local script = newScript()
for index = 2, #arg do script = attack(arg[index], script, most) end
if not most then takeDescriptors() end
script.workbook:close()
