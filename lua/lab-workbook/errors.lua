--- What can go wrong, and how it is said.
--
-- Misuse by the program raises a text that ends with the id of the rule, such as `(rule name.parts)`; a
-- setting that cannot be used raises when the experiment is started. Whatever the machine does later (a
-- full disk, a network that is down) is one line on stderr and never stops a training run.
--
-- @module lab-workbook.errors

require 'lab-workbook.interpreted'(true, true)

local errors = {}

local OURS = 'lab-workbook: '

--- Say whether a text was raised by this module.
-- @string message what was raised
function errors.isOurs(message)
   return message:sub(1, #OURS) == OURS
end

--- Return whether a text is the error that the interpreter raises for Ctrl-C (lua.c, luajit.c).
-- @string message what was raised
function errors.isInterrupt(message)
   return message:find('interrupted!$') ~= nil
end

--- Raise: the program asked for something that the protocol has no rule for.
-- @string rule the id of the rule in spec/v1/SPEC.md, such as 'name.characters'
-- @string message what is wrong and what to do
function errors.misuse(rule, message)
   -- Level 0: the line of a file of ours would help nobody, and the traceback shows the caller's.
   error(('%s%s (rule %s)'):format(OURS, message, rule), 0)
end

--- Raise: a setting, a folder or a bucket cannot be used.
-- @string message what is wrong and where it was set
function errors.refuse(message)
   error(OURS .. message, 0)
end

--- Say one line on stderr. It never raises, also when stderr is closed.
-- @string message the line
function errors.warn(message)
   pcall(function()
      io.stderr:write(OURS, message, '\n')
      io.stderr:flush()
   end)
end

return errors
