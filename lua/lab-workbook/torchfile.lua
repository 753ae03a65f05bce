--- Torch objects, written by the torch that the script has.
-- @module lab-workbook.torchfile

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'
local text = require 'lab-workbook.text'

local torchfile = {}

local function torch()
   local library = rawget(_G, 'torch') or package.loaded.torch
   if not library then
      local found
      found, library = pcall(require, 'torch')
      library = found and library
   end
   if type(library) ~= 'table' or not library.save then
      errors.refuse("saveTorch needs torch: require 'torch' first")
   end
   return library
end

-- Says whether it is the machine that refuses, and not torch: everything else is for the program to know.
local function isMachine(message)
   for _, words in ipairs{'write error', 'cannot open', 'not enough memory'} do
      if message:find(words, 1, true) then return true end
   end
   return false
end

-- Returns a copy that shares nothing with the object, by the way that nn's own clone() goes.
local function copyOf(library, object)
   local file = library.MemoryFile('rw'):binary()
   file:writeObject(object)
   file:seek(1)
   local copy = file:readObject()
   file:close()
   return copy
end

-- Raises for a value without a clearState, as pcall knows it: userdata may have no fields at all.
local function method(value)
   return value.clearState
end

-- Calls clearState on each module that is in an object, also in the tables of a checkpoint.
local function clear(value, seen)
   if type(value) ~= 'table' and type(value) ~= 'userdata' or seen[value] then return end
   seen[value] = true
   local found, clearState = pcall(method, value)
   if found and type(clearState) == 'function' then
      -- A container clears what it contains.
      clearState(value)
   elseif type(value) == 'table' then
      for _, item in next, value do clear(item, seen) end
   end
end

--- Return the options of saveTorch, or raise for those that it does not have.
-- @param options a table with `clearState`, or nil
function torchfile.checkOptions(options)
   if options == nil then return {} end
   if type(options) ~= 'table' then
      errors.refuse(('the options of saveTorch are a table such as {clearState = true}, not %s'):format(
         type(options)))
   end
   for key in next, options do
      if key ~= 'clearState' then
         errors.refuse(('saveTorch has no option %s; it has: clearState'):format(text.shown(key)))
      end
   end
   return options
end

--- Return a function that writes an object to a file.
-- It raises what torch raises for an object that it cannot write, and returns nil and a message if the disk
-- refuses or memory is short.
-- @param object whatever torch.save takes
-- @table options with `clearState` a copy is written whose modules have dropped what they keep of their last
--   input; the object itself trains on as it is
function torchfile.filler(object, options)
   local library = torch()
   return function(path)
      local written = object
      if options.clearState then
         written = copyOf(library, object)
         clear(written, {})
      end
      local done, problem = pcall(library.save, path, written)
      if done then return true end
      if isMachine(tostring(problem)) then return nil, tostring(problem) end
      if type(problem) == 'string' then errors.refuse('torch cannot save this: ' .. problem) end
      error(problem, 0)
   end
end

return torchfile
