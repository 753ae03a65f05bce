--- The end of a script that never called close.
--
-- Only the script can know that its experiment has finished: it calls close. A state that closes runs the
-- finalizers of its objects, alike after a normal end and after an error, so all that can be said then is
-- `ended`. Nothing runs after os.exit or a signal.
--
-- @module lab-workbook.lifecycle

require 'lab-workbook.interpreted'(true, true)

local delivery = require 'lab-workbook.delivery'
local errors = require 'lab-workbook.errors'

local lifecycle = {}

-- Everything that is open, and the script it belongs to. A forked child has a copy; its workbooks leave the
-- experiments to their parent.
local open = {}

local hasWarned = false

-- Returns what two runs of one script in this process have in common: its name and arguments.
local function currentScript()
   local arguments, words = rawget(_G, 'arg'), {}
   if type(arguments) ~= 'table' then return '' end
   for index = 0, #arguments do words[index + 1] = tostring(arguments[index]) end
   return table.concat(words, '\0')
end

-- Warns, once in a process, of an experiment that the same script has not closed.
local function warnOfOpen(script)
   for object, itsScript in pairs(open) do
      if not hasWarned and itsScript == script and object:isRecording() then
         hasWarned = true
         errors.warn(('the experiment %s is still open in this process, and will not count as finished:'
            .. ' end each one with workbook:close() before the next one starts (warned of once)'):format(
            object.tag))
      end
   end
end

local function attempt(...)
   local done, one, two = pcall(...)
   if done then return one, two end
   errors.warn('the end could not be written: ' .. tostring(one))
end

-- Writes the end of every experiment first, so that all their deliveries share one wait.
local function finishAll()
   local began, conclusions, waiting = os.time(), {}, {}
   for object in pairs(open) do
      open[object] = nil
      local conclude, itsDelivery = attempt(object.startUnaskedEnd, object, began)
      conclusions[#conclusions + 1] = conclude
      waiting[#waiting + 1] = itsDelivery
   end
   if #waiting > 0 then attempt(delivery.waitForAll, waiting) end
   for _, conclude in ipairs(conclusions) do attempt(conclude) end
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

--- See to it that `startUnaskedEnd` of an object is called when the state closes.
-- @table object a workbook
function lifecycle.watch(object)
   local script = currentScript()
   if object:isRecording() then warnOfOpen(script) end
   open[object] = script
end

--- Forget an object that has ended.
-- @table object a workbook
function lifecycle.forget(object)
   open[object] = nil
end

return lifecycle
