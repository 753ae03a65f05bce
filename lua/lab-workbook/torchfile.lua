--- Torch objects, written by the torch that the script has.
-- @module lab-workbook.torchfile

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'

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

-- Says whether it is the disk that refuses, and not torch: everything else is for the program to know.
local function isDisk(message)
   return message:find('write error', 1, true) or message:find('cannot open', 1, true)
end

--- Return a function that writes an object to a file.
-- It raises what torch raises for an object that it cannot write, and returns nil and a message if the disk
-- refuses.
-- @param object whatever torch.save takes
function torchfile.filler(object)
   local library = torch()
   return function(path)
      local done, problem = pcall(library.save, path, object)
      if done then return true end
      if isDisk(tostring(problem)) then return nil, tostring(problem) end
      error(problem, 0)
   end
end

return torchfile
