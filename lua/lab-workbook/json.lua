--- JSON as artifacts hold it: strict, exact, and with its keys in one order.
--
--    json.encode({learningRate = 0.001, best = 0/0}, print)    --> '{"best": "NaN", "learningRate": 0.001}'
--    json.encode({1, nil, 3}, print)                           --> '[1, null, 3]'
--    json.encode({}, print)                                    --> '{}'
--    json.encode(json.emptyArray, print)                       --> '[]'
--
-- Tables become arrays or objects as lua-cjson made them: an array when all keys are whole numbers from 1
-- and few are missing, otherwise an object, its number keys written as texts.
--
-- @module lab-workbook.json

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'
local numbers = require 'lab-workbook.numbers'
local scalars = require 'lab-workbook.scalars'
local spec = require 'lab-workbook.spec'
local text = require 'lab-workbook.text'

local json = {}

--- The value that is written as null.
json.null = scalars.null

--- The value that is written as `[]`, because `{}` is an object.
json.emptyArray = setmetatable({}, {__tostring = function() return 'lab-workbook.emptyArray' end})

local ESCAPES = {['"'] = '\\"', ['\\'] = '\\\\', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t'}

-- What lua-cjson calls excessively sparse: more than twice as many places as items, and more than ten.
local SPARSE_RATIO, SPARSE_SAFE = 2, 10

local function escaped(char) return ESCAPES[char] or ('\\u%04x'):format(char:byte()) end

local function quoted(value, report)
   return '"' .. text.mended(value, report, true):gsub('[%z\1-\31"\\]', escaped) .. '"'
end

local function number(value)
   if value ~= value then return '"' .. spec.JSON_NAN .. '"' end
   if value == 1 / 0 then return '"' .. spec.JSON_INFINITY .. '"' end
   if value == -1 / 0 then return '"' .. spec.JSON_NEGATIVE_INFINITY .. '"' end
   return numbers.text(value)
end

-- Returns how many places the array has that a table makes, or nil where it makes an object.
local function places(value)
   local count, last = 0, 0
   for key in next, value do
      if type(key) ~= 'number' or key < 1 or key % 1 ~= 0 or key == 1 / 0 then return nil end
      count, last = count + 1, key > last and key or last
   end
   if count == 0 or (last > count * SPARSE_RATIO and last > SPARSE_SAFE) then return nil end
   return last
end

local function keyText(key)
   if type(key) == 'string' then return key end
   if type(key) ~= 'number' then
      errors.misuse('json.keys', 'a key must be a text or a number, not ' .. type(key))
   end
   return (number(key):gsub('"', ''))
end

local encode

local function array(value, report, depth, length, under)
   local items = {}
   for index = 1, length do items[index] = encode(rawget(value, index), report, depth + 1, under) end
   return '[' .. table.concat(items, ', ') .. ']'
end

local function object(value, report, depth, under)
   local keys, values = {}, {}
   for key, item in next, value do
      local name = text.mended(keyText(key), report, true)
      if values[name] ~= nil then
         errors.misuse('json.keys', ('two keys of one object are written as %s: rename one'):format(
            text.shown(name)))
      end
      keys[#keys + 1], values[name] = name, item
   end
   table.sort(keys, text.before)
   local shown = under and under.keys(keys)
   -- A key that was redacted has another place.
   if shown then table.sort(keys, function(one, other) return text.before(shown[one], shown[other]) end) end
   for index, name in ipairs(keys) do
      local item = encode(values[name], report, depth + 1, under and under.below(name))
      keys[index] = quoted(shown and shown[name] or name, report) .. ': ' .. item
   end
   return '{' .. table.concat(keys, ', ') .. '}'
end

local function noRule(value)
   errors.misuse('json.value', ('a %s has no rule in JSON: convert it first (a tensor with :totable(),'
      .. ' an object with tostring(x))'):format(type(value)))
end

-- Returns the text of anything that is no plain type of Lua: a table, a null, a number in disguise.
local function other(value, report, depth, under)
   if scalars.isNull(value) then return 'null' end
   local digits = scalars.digits(value)
   if digits then return digits end
   local item = scalars.item(value)
   if item then return number(item) end
   if type(value) ~= 'table' then noRule(value) end
   if depth > spec.JSON_MAX_DEPTH then
      errors.misuse('json.depth', ('the value is deeper than %d levels, or contains itself'):format(
         spec.JSON_MAX_DEPTH))
   end
   if value == json.emptyArray then return '[]' end
   local length = places(value)
   if length then return array(value, report, depth, length, under) end
   return object(value, report, depth, under)
end

-- `under`, where it is given, is what `redaction.under` returns.
function encode(value, report, depth, under)
   local kind = type(value)
   if kind == 'string' then return quoted(under and under.text(value) or value, report) end
   if kind == 'number' then return number(value) end
   if kind == 'boolean' then return tostring(value) end
   return other(value, report, depth, under)
end

--- Return the text of a JSON artifact.
-- Raises for a type without a rule (json.value), a cycle or more than 512 levels (json.depth), or two keys
-- with the same text (json.keys).
-- @param value anything that has a rule; the caller's tables are left alone
-- @func report called with 'texts' when a text was not valid UTF-8
-- @func[opt] under from `redaction.under`, which keeps secrets out
function json.encode(value, report, under)
   numbers.refresh()
   return encode(value, report, 1, under)
end

return json
