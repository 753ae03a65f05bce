--- The line that says where the experiment lies.
-- @module lab-workbook.terminal

require 'lab-workbook.interpreted'(true, true)

local shell = require 'lab-workbook.shell'

local terminal = {}

local GREEN, PLAIN = '\27[1;32m', '\27[0m'

-- See https://no-color.org: any value but an empty one.
local function isColoured()
   return (os.getenv('NO_COLOR') or '') == '' and os.getenv('TERM') ~= 'dumb' and shell.writesToTerminal()
end

--- Print the tag and where the data lies. Never raises: stdout may be closed.
-- @string tag the tag
-- @string where the URL of the experiment
function terminal.announce(tag, where)
   local colour, plain = '', ''
   if isColoured() then colour, plain = GREEN, PLAIN end
   pcall(function()
      io.stdout:write(('lab-workbook: experiment %s%s%s in %s\n'):format(colour, tag, plain, where))
      -- Otherwise the tag of a script that is killed stays in the buffer.
      io.stdout:flush()
   end)
end

return terminal
