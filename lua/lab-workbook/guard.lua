--- The guard around public methods: faults of the environment are reported and counted, and never raised.
--
--    Workbook.saveText = guard.verb('saveText', Workbook.saveText, spec.LOSS_ARTIFACTS)
--
-- What the modules of this rock raise on purpose (lab-workbook.errors) is for the caller, and so are Ctrl-C
-- and an error that is a table, which only the caller's code raises. Everything else is a fault of the
-- environment: no descriptors, no process that can be started, no memory.
--
-- @module lab-workbook.guard

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'

local guard = {}

local function isForCaller(problem)
   return type(problem) ~= 'string' or errors.isOurs(problem) or errors.isInterrupt(problem)
end

-- Returns what a method has returned, or what stands in for it.
local function settled(self, name, kind, otherwise, ran, ...)
   if ran then return ... end
   local problem = ...
   if isForCaller(problem) then error(problem, 0) end
   local why = ('%s: %s'):format(name, problem)
   if kind then
      self.losses:add(kind, why)
   else
      self.losses:sayOnce(name, why .. '; training goes on')
   end
   return otherwise and otherwise(self)
end

--- Return a method that raises nothing but misuse, of an object that has `losses`.
-- @string name what it is called in messages
-- @func method the method
-- @string[opt] kind one of the LOSS_* of the spec, which is counted when it fails; otherwise it is only
--   warned of
-- @func[opt] otherwise given the object, returns what is returned then
function guard.verb(name, method, kind, otherwise)
   return function(self, ...) return settled(self, name, kind, otherwise, pcall(method, self, ...)) end
end

return guard
