--- The options of a script, such as `torch.CmdLine():parse(arg)` gives them, as a table that JSON can hold.
--
-- Scripts keep more in that table than options: functions, tensors, whole datasets. These are left out,
-- which the caller is told, because a recorder must not stop a script that runs without it.
--
-- @module lab-workbook.options

require 'lab-workbook.interpreted'(true, true)

local scalars = require 'lab-workbook.scalars'
local spec = require 'lab-workbook.spec'

local options = {}

local isPlain = {string = true, number = true, boolean = true}

-- Says whether a table is an object of Torch, such as a module or a dataset.
local function isObject(value)
   local library = rawget(_G, 'torch') or package.loaded.torch
   local typename = type(library) == 'table' and library.typename
   return typename and typename(value) ~= nil or false
end

local copied

-- Returns a copy of a table without what JSON has no rule for; `open` has the tables that it lies in.
local function copyOf(value, path, open, dropped)
   local copy = {}
   open[value] = true
   for key, item in next, value do
      local here = path == '' and tostring(key) or path .. '.' .. tostring(key)
      if type(key) ~= 'string' and type(key) ~= 'number' then
         dropped[#dropped + 1] = here
      else
         copy[key] = copied(item, here, open, dropped)
      end
   end
   open[value] = nil
   return copy
end

function copied(value, path, open, dropped)
   if isPlain[type(value)] or scalars.isNull(value) or scalars.digits(value) then return value end
   local depth = 1
   for _ in next, open do depth = depth + 1 end
   local isTable = type(value) == 'table' and not open[value] and depth <= spec.JSON_MAX_DEPTH
   if isTable and not isObject(value) then
      -- The markers of ours are tables, too, and mean what they are and not what they hold.
      if next(value) == nil then return value end
      return copyOf(value, path, open, dropped)
   end
   local item = scalars.item(value)
   if item == nil then dropped[#dropped + 1] = path end
   return item
end

--- Return the options without what JSON cannot hold, and the names of what was left out, sorted.
-- The caller's table is left alone.
-- @table given the options
-- @treturn table a copy
-- @treturn {string} such as 'model' or 'data.loader'
function options.plain(given)
   local dropped = {}
   local copy = copyOf(given, '', {}, dropped)
   table.sort(dropped)
   return copy, dropped
end

return options
