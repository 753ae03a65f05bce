--- The limit on the size of a file, `ulimit -f`, which ends a process by SIGXFSZ.
--
-- Once the signal is ignored, a write beyond the limit fails like one to a full disk. Only LuaJIT can ignore
-- it; elsewhere the modules that write compare with `sizelimit.bytes` first.
--
-- @module lab-workbook.sizelimit

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'

local sizelimit = {
   --- The size that no file of ours may exceed, because the signal would end the script.
   bytes = math.huge,
   --- What a write answers that would exceed it.
   PROBLEM = 'File too large',
}

-- A limit that no model reaches is not worth a warning at each start.
local HIGH_BYTES = 2 ^ 40

-- Returns the limit of this process; nil where there is none, or where the system does not tell.
local function limit()
   local file = io.open('/proc/self/limits', 'r')
   local text = file and file:read('*a') or ''
   if file then file:close() end
   return tonumber(text:match('Max file size%s+(%d+)'))
end

-- Ignores the signal, as Python does; returns whether this Lua can.
local function ignoreSignal()
   local loaded, ffi = pcall(require, 'ffi')
   return loaded and pcall(function()
      -- Under another name, because the program may have declared `signal` in its own way.
      ffi.cdef 'void *lab_workbook_signal(int number, void *handler) __asm__("signal");'
      local ignore = ffi.cast('void *', 1)
      local SIGXFSZ = rawget(_G, 'jit').arch:find('^mips') and 31 or 25
      local before = ffi.C.lab_workbook_signal(SIGXFSZ, ignore)
      -- The program's own handler stays.
      if before ~= nil and before ~= ignore then ffi.C.lab_workbook_signal(SIGXFSZ, before) end
   end)
end

--- Keep a file that becomes too large from ending the script; warn where that cannot be done.
function sizelimit.prepare()
   local bytes = limit()
   if not bytes or bytes == sizelimit.bytes or ignoreSignal() then return end
   sizelimit.bytes = bytes
   if bytes < HIGH_BYTES then
      errors.warn(('no file can have more than %.0f bytes here (ulimit -f): rows and artifacts beyond that'
         .. ' are lost, and a larger file that a library saves itself ends the script'):format(bytes))
   end
end

return sizelimit
