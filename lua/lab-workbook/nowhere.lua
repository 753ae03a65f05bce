--- The destination of a workbook that must not write: switched off by LAB_WORKBOOK_DISABLED=1, or in a fork.
-- @module lab-workbook.nowhere

require 'lab-workbook.interpreted'(true, true)

local nowhere = {}

local Nowhere = {}
Nowhere.__index = Nowhere

local file = {append = function() return true end}

--- Return such a destination.
-- @string where the experiment's URL
-- @func notice called whenever something would have been written
function nowhere.new(where, notice)
   return setmetatable({where = where, notice = notice, isNowhere = true}, Nowhere)
end

function Nowhere:openSeries()
   self.notice()
   return file
end

function Nowhere:save()
   self.notice()
   return true
end

function Nowhere.flush() return true end
function Nowhere.finishFile() end
function Nowhere.finish() return function() return true end end
function Nowhere.leave() end

return nowhere
