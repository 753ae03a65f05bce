--- The adapter of the rock: `lab-workbook certify -- lua5.4 adapter.lua`.
--
-- What is said and heard here is specified in conformance/ADAPTER.md. An argument says where this Lua runs,
-- when it is no program of its own.
--
-- @script adapter

-- The rock of this checkout, and not one that is installed.
local here = debug.getinfo(1, 'S').source:match('^@(.*/)') or './'
local rock = here .. '../../../lua/'
package.path = ('%s?.lua;%s?/init.lua;%s'):format(rock, rock, package.path)

local labWorkbook = require 'lab-workbook'
local text = require 'lab-workbook.text'

local HOST = ...

-- The output belongs to the kit, and the library says there where an experiment lies.
local output = io.stdout
rawset(io, 'stdout', io.stderr)

-- As a program does that shows numbers to people.
os.setlocale('')

-- Lua 5.3 and later know integers from floats.
local mathType = rawget(math, 'type')

-- JSON ------------------------------------------------------------------------------------------------------

-- Marks what was written as an object, because an empty one looks like an empty list.
local Object = {}

local ESCAPED = {b = '\b', f = '\f', n = '\n', r = '\r', t = '\t'}
local WORDS = {['true'] = true, ['false'] = false, null = labWorkbook.null}

-- Returns the character of a number of Unicode in UTF-8.
local function utf8(code)
   if code < 0x80 then return string.char(code) end
   local followers, low = {}, {0x80, 0x800, 0x10000}
   local count = code < low[2] and 1 or code < low[3] and 2 or 3
   for at = count, 1, -1 do
      followers[at] = string.char(0x80 + code % 64)
      code = math.floor(code / 64)
   end
   return string.char(({0xC0, 0xE0, 0xF0})[count] + code) .. table.concat(followers)
end

-- Returns the character of an escape that begins at `at`, and the position after it.
local function escape(source, at)
   local letter = source:sub(at + 1, at + 1)
   if letter ~= 'u' then return ESCAPED[letter] or letter, at + 2 end
   local code = tonumber(source:sub(at + 2, at + 5), 16)
   local second = source:match('^\\u([dD][c-fC-F]%x%x)', at + 6)
   if code < 0xD800 or code > 0xDBFF or not second then return utf8(code), at + 6 end
   return utf8(0x10000 + (code - 0xD800) * 1024 + tonumber(second, 16) - 0xDC00), at + 12
end

-- Each of these returns a value that begins at `at`, and the position after it.
local decode

local function decodeText(source, at)
   local pieces, stop = {}, at
   while true do
      local start = stop + 1
      stop = source:find('["\\]', start)
      pieces[#pieces + 1] = source:sub(start, stop - 1)
      if source:sub(stop, stop) == '"' then return table.concat(pieces), stop + 1 end
      pieces[#pieces + 1], stop = escape(source, stop)
      stop = stop - 1
   end
end

local function decodeList(source, at)
   local list = {}
   at = source:find('%S', at + 1)
   while source:sub(at, at) ~= ']' do
      list[#list + 1], at = decode(source, at)
      at = source:find('[^%s,]', at)
   end
   return list, at + 1
end

local function decodeObject(source, at)
   local object = setmetatable({}, Object)
   at = source:find('%S', at + 1)
   while source:sub(at, at) ~= '}' do
      local key, after = decodeText(source, at)
      object[key], at = decode(source, (source:find('[^%s:]', after)))
      at = source:find('[^%s,]', at)
   end
   return object, at + 1
end

local DECODERS = {['"'] = decodeText, ['['] = decodeList, ['{'] = decodeObject}

function decode(source, at)
   local decoder = DECODERS[source:sub(at, at)]
   if decoder then return decoder(source, at) end
   local word, after = source:match('^([%w+.-]+)()', at)
   if WORDS[word] ~= nil then return WORDS[word], after end
   return tonumber(word), after
end

-- Returns a text as JSON has it; words that are not UTF-8 may come from the system.
local function quoted(value)
   if not text.isUtf8(value) then value = value:gsub('[\128-\255]', '?') end
   return '"' .. value:gsub('[%z\1-\31\127"\\]', function(char)
      return ('\\u%04x'):format(char:byte())
   end) .. '"'
end

local function quotedList(values)
   local items = {}
   for index, value in ipairs(values) do items[index] = quoted(value) end
   return '[' .. table.concat(items, ', ') .. ']'
end

-- Values ----------------------------------------------------------------------------------------------------

local Unsupported = {}

local function unsupported(message) error(setmetatable({message = message}, Unsupported), 0) end

-- tonumber reads the decimal point of the locale.
local function float(spelled)
   local special = {nan = 0 / 0, inf = 1 / 0, ['-inf'] = -1 / 0}
   local point = ('%.1f'):format(0.5):match('^0(.-)5$')
   -- By 1.0 it is a float where the language has integers too, and -0.0 stays what it is.
   return special[spelled] or tonumber((spelled:gsub('%.', (point:gsub('%%', '%%%%'))))) * 1.0
end

local function integer(digits)
   local number = tonumber(digits)
   if mathType and mathType(number) ~= 'integer' then unsupported('no integer of this Lua is ' .. digits) end
   return number
end

local value

local function pairsOf(list)
   local made = {}
   for _, pair in ipairs(list) do
      local key = value(pair[1])
      if key == labWorkbook.null or key ~= key then unsupported('no table has this key') end
      made[key] = value(pair[2])
   end
   return made
end

local FORMS = {
   ['$int'] = integer,
   ['$float'] = float,
   ['$bytes'] = function(digits)
      return (digits:gsub('%x%x', function(pair) return string.char(tonumber(pair, 16)) end))
   end,
   ['$pairs'] = pairsOf,
   ['$nested'] = function(depth)
      local nested = 1
      for _ = 1, depth do nested = {nested} end
      return nested
   end,
   ['$cycle'] = function()
      local cycle = {}
      cycle[1] = cycle
      return cycle
   end,
   ['$function'] = function() return print end,
}

-- Returns what a decoded value stands for.
function value(spelled)
   if type(spelled) ~= 'table' or spelled == labWorkbook.null then return spelled end
   local first = next(spelled)
   if FORMS[first] and next(spelled, first) == nil then return FORMS[first](spelled[first]) end
   if first == nil and getmetatable(spelled) ~= Object then return labWorkbook.emptyArray end
   local made = {}
   for key, item in next, spelled do made[key] = value(item) end
   return made
end

-- Steps -----------------------------------------------------------------------------------------------------

local hasTorch = pcall(require, 'torch')
-- Where it is depends on the Lua.
local unpack = rawget(table, 'unpack') or rawget(_G, 'unpack')

-- lupa's plain Luas can start no program whose words they hear.
local isAbleToListen = pcall(function() io.popen('exit 0'):close() end)

-- Each is called with what the script has: the options of its experiments, a workbook and logs.
local verbs = {}

function verbs.newExperiment(script, given)
   local options = {}
   for key, option in next, script.options do options[key] = option end
   for key, option in next, given do options[key] = option end
   script.workbook, script.logs = labWorkbook:newExperiment(options), {}
end

function verbs.newTimeSeriesLog(script, name, fields, saveEvery)
   script.logs[name] = script.workbook:newTimeSeriesLog(name, fields, saveEvery)
end

function verbs.log(script, name, row) script.logs[name](row) end

function verbs.saveFile(script, name, bytes)
   local path = os.tmpname()
   local file = assert(io.open(path, 'wb'))
   file:write(bytes)
   file:close()
   local done, problem = pcall(script.workbook.saveFile, script.workbook, name, path)
   os.remove(path)
   if not done then error(problem, 0) end
end

function verbs.saveShared(script, name, shared) script.workbook:saveJSON(name, {shared, shared}) end

function verbs.saveFileFrom(script, name, path) script.workbook:saveFile(name, path) end

-- Lua has no clock to wait by, but every system with sh has this.
function verbs.sleep(_, seconds) os.execute(('sleep %d'):format(seconds)) end

-- A workbook cannot tell an error from an end; the script lets go of it in both.
function verbs.fail(_, message) pcall(error, message) end

for _, verb in ipairs{'saveJSON', 'saveText', 'saveGitStatus', 'saveTorch', 'flush', 'close'} do
   verbs[verb] = function(script, ...) return script.workbook[verb](script.workbook, ...) end
end
if not isAbleToListen then verbs.saveGitStatus = nil end
if not hasTorch then verbs.saveTorch = nil end

-- The last steps of a script: no error is caught around them, and nothing is closed before.
local exits = {}

-- The last line of the script is that of the loop below.
function exits.exit(status) if status then os.exit(status) end end

-- A plain error, because what a library raises begins with its name.
exits['raise'] = function(message) error(message, 0) end

-- Lua can send no signal; the parent of this shell is the process of the script.
function exits.signal(name)
   os.execute(('kill -%s $PPID'):format((name:gsub('^SIG', ''))))
   os.execute('sleep 1')
end

-- Plays a step; raises what the library raises.
local function play(script, step)
   local arguments = {}
   for index = 2, #step do arguments[index - 1] = value(step[index]) end
   if not verbs[step[1]] then unsupported('there is no ' .. step[1]) end
   verbs[step[1]](script, unpack(arguments))
end

-- Questions -------------------------------------------------------------------------------------------------

local questions = {}

function questions.hello()
   local levels, names = {'core'}, {}
   if isAbleToListen then levels = {'core', 'git', 's3'} end
   if hasTorch then levels[#levels + 1] = 'models' end
   for verb in pairs(verbs) do names[#names + 1] = verb end
   for verb in pairs(exits) do names[#names + 1] = verb end
   table.sort(names)
   local jit = rawget(_G, 'jit')
   local language = jit and jit.version or _VERSION
   if HOST then language = ('%s in %s'):format(language, HOST) end
   return 'hello', ('{"name": "lab-workbook lua", "version": %s, "language": %s, "spec": "1.1", "levels": %s,'
      .. ' "verbs": %s, "integers": %s, "failures": []}'):format(quoted(labWorkbook.version), quoted(language),
      quotedList(levels), quotedList(names), tostring(mathType ~= nil))
end

-- Returns the answer about a step that went wrong.
local function problem(number, raised)
   if getmetatable(raised) == Unsupported then
      return 'unsupported', ('{"step": %d, "message": %s}'):format(number, quoted(raised.message))
   end
   local message = tostring(raised)
   if not message:find('^lab%-workbook: ') then
      return 'failed', ('{"step": %d, "message": %s}'):format(number, quoted(message))
   end
   local rule = message:match('%(rule ([%w.-]+)%)')
   return 'refused', ('{"step": %d, "rule": %s, "message": %s}'):format(number,
      rule and quoted(rule) or 'null', quoted(message))
end

function questions.record(asked, say)
   local script = {options = {bucketPrefix = asked.prefix, tag = asked.tag and value(asked.tag)}}
   for index, step in ipairs(asked.steps) do
      if exits[step[1]] then
         exits[step[1]](step[2])
         return
      end
      local done, raised = pcall(play, script, step)
      if not done then
         local answer, said = problem(index - 1, raised)
         if answer ~= 'refused' or not asked.continues then
            if script.workbook then script.workbook:close() end
            return answer, said
         end
         say('refusal', said)
      elseif asked.acks then
         say('ack', ('%d'):format(index - 1))
      end
   end
   return 'done', ('{"tag": %s}'):format(quoted(script.workbook and script.workbook.tag or ''))
end

-- Answers a question; returns whether the script goes on.
local function isAnswered(message)
   local function say(answer, said)
      if not answer then return false end
      output:write(('{"id": %d, "%s": %s}\n'):format(message.id, answer, said))
      output:flush()
      return true
   end
   for name, question in pairs(questions) do
      if message[name] then return say(question(message[name], say)) end
   end
end

for line in io.lines() do
   if not isAnswered(decode(line, 1)) then break end
end
