--- The standard streams, for scripts that were started without them.
--
-- A file that is opened while the numbers 0, 1 and 2 are free gets one of them, and the output of the script
-- would then become a part of that file.
--
-- @module lab-workbook.streams

require 'lab-workbook.interpreted'(true, true)

local streams = {}

local LAST = 2

-- Kept for ever, so that no other file gets their numbers.
local held = {}

local function isThere(path)
   local file = io.open(path, 'r')
   if file then file:close() end
   return file ~= nil
end

--- Open /dev/null under each number of a standard stream that is closed, where the system tells which are.
function streams.reserve()
   if not isThere('/proc/self/stat') then return end
   for number = 0, LAST do
      -- A file that is opened gets the lowest number that is free.
      if not isThere('/proc/self/fdinfo/' .. number) then held[#held + 1] = io.open('/dev/null', 'r+') end
   end
end

return streams
