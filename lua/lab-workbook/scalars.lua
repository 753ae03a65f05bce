--- Values that are one number, though Lua sees something else.
--
-- LuaJIT's 64-bit integers, Torch tensors of one element and the null of lua-cjson are plain values to
-- those who pass them, so cells and JSON take them as such.
--
-- @module lab-workbook.scalars

require 'lab-workbook.interpreted'(true, true)

local scalars = {}

--- The value that is written as a missing cell, or as null in JSON.
scalars.null = setmetatable({}, {__tostring = function() return 'lab-workbook.null' end})

--- Say whether a value stands for nothing: our null, or lua-cjson's, which is a NULL pointer.
-- @param value anything
function scalars.isNull(value)
   if value == nil or value == scalars.null then return true end
   -- The four spellings of a NULL pointer by LuaJIT and by the C libraries.
   if type(value) ~= 'userdata' or getmetatable(value) ~= nil then return false end
   local pointer = tostring(value):gsub('^userdata: ', '')
   return pointer == 'NULL' or pointer == '(nil)' or pointer == '(null)' or pointer:find('^0?x?0+$') ~= nil
end

--- Return the digits of a 64-bit integer of LuaJIT's FFI, or nil.
-- @param value anything
function scalars.digits(value)
   return type(value) == 'cdata' and tostring(value):match('^(%-?[0-9]+)U?LL$') or nil
end

local function element(tensor)
   if tensor:nElement() == 1 then return tensor:storage()[tensor:storageOffset()] end
end

--- Return the number that a value holds: a Torch tensor of one element, or a number of LuaJIT's FFI.
-- @param value a table, userdata or cdata
-- @treturn ?number nil if it is no such thing
function scalars.item(value)
   if type(value) == 'table' and getmetatable(value) == nil then return nil end
   -- Any object may raise when it is asked for a method that it does not have.
   local isTensor, item = pcall(element, value)
   if not isTensor and type(value) == 'cdata' then item = tonumber(value) end
   return type(item) == 'number' and item or nil
end

return scalars
