--- Keep LuaJIT from compiling a module.
--
-- When a state closes, LuaJIT's compiled code can go round for ever in a finalizer (seen in 2.1.0-beta3 with
-- half a dozen experiments in one script). What the end of an experiment runs is no hot path, so it is
-- interpreted: each such module begins with
--
--    require 'lab-workbook.interpreted'(true, true)
--
-- @module lab-workbook.interpreted

local jit = rawget(_G, 'jit')

-- jit.off(true, true) speaks of its caller and of all functions in it.
return jit and jit.off or function() end
