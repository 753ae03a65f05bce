--- The end of a script that never called close.
--
-- A state that closes runs the finalizers of its objects, alike after a normal end and after an error, so
-- all that can be said then is `ended`. Nothing runs after os.exit or a signal.
--
-- @module lab-workbook.lifecycle

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'

local lifecycle = {}

-- Everything that is open. A forked child has a copy; its workbooks leave the experiments to their parent.
local open = {}

local function finishAll()
   for object in pairs(open) do
      open[object] = nil
      local done, problem = pcall(object.finishUnasked, object)
      if not done then errors.warn('the end could not be written: ' .. tostring(problem)) end
   end
end

-- Returns an object whose collection runs a function: 5.1 and LuaJIT know finalizers of userdata only.
local function sentinel(run)
   local newproxy = rawget(_G, 'newproxy')
   if not newproxy then return setmetatable({}, {__gc = run}) end
   local proxy = newproxy(true)
   getmetatable(proxy).__gc = run
   return proxy
end

-- A workbook leads to this module through its methods, so the sentinel lives as long as anyone can log.
-- Made when the module is loaded: finalizers run in reverse order, so those of the program, which may log,
-- come first.
lifecycle.sentinel = sentinel(finishAll)

--- See to it that `finishUnasked` of an object is called when the state closes.
-- @table object a workbook
function lifecycle.watch(object)
   open[object] = true
end

--- Forget an object that has ended.
-- @table object a workbook
function lifecycle.forget(object)
   open[object] = nil
end

return lifecycle
