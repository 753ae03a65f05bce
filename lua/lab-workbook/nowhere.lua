--- The place of a workbook that is switched off by LAB_WORKBOOK_DISABLED=1: nothing is written.
-- @module lab-workbook.nowhere

require 'lab-workbook.interpreted'(true, true)

local nowhere = {}

local Nowhere = {}
Nowhere.__index = Nowhere

local file = {append = function() return true end}

--- Return such a place.
function nowhere.new()
   return setmetatable({where = 'disabled:', isNowhere = true}, Nowhere)
end

function Nowhere.openSeries() return file end
function Nowhere.save() return true end
function Nowhere.flush() return true end
function Nowhere.finishFile() end
function Nowhere.finish() return true end

return nowhere
