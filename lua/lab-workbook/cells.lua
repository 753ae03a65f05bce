--- Cells of a series: one value, one spelling.
--
-- Text is always quoted and nothing else ever is, so that "007" and 007, "nil" and a missing value stay
-- apart.
--
--    local formats = cells.formats(print)
--    formats.number(0.1), formats.string('say no')     --> '0.1', '"say no"'
--
-- @module lab-workbook.cells

local errors = require 'lab-workbook.errors'
local numbers = require 'lab-workbook.numbers'
local scalars = require 'lab-workbook.scalars'
local spec = require 'lab-workbook.spec'
local text = require 'lab-workbook.text'

local cells = {}

local find, gsub = string.find, string.gsub
local LARGEST = '9223372036854775807'

local function noRule(value)
   errors.misuse('series.value', ('a cell cannot hold a %s: give a number, a text, a boolean or a tensor'
      .. ' of one element; for its text use tostring(x)'):format(type(value)))
end

-- Returns the digits of a 64-bit integer as a cell: beyond the signed ones it becomes the nearest double.
local function integer(digits, value, report)
   local isWithin = #digits < #LARGEST or (#digits == #LARGEST and digits <= LARGEST)
   if isWithin or digits:find('^%-') then return digits end
   report(spec.LOSS_INTEGERS)
   return numbers.text(tonumber(value))
end

-- Returns the cell of anything that is not one of Lua's plain types.
local function other(value, report)
   if scalars.isNull(value) then return spec.SERIES_MISSING end
   local digits = scalars.digits(value)
   if digits then return integer(digits, value, report) end
   local item = scalars.item(value)
   if not item then noRule(value) end
   return numbers.text(item)
end

--- Return what turns a value into its cell, by the type of the value.
-- @func report called with 'texts' or 'integers' when a cell had to be mended
-- @treturn table functions by type
function cells.formats(report)
   local function exotic(value) return other(value, report) end
   local function quoted(value)
      if find(value, '["%z\128-\255]') then value = gsub(text.mended(value, report), '"', '""') end
      return '"' .. value .. '"'
   end
   return {
      number = numbers.text,
      string = quoted,
      boolean = function(value) return value and spec.SERIES_TRUE or spec.SERIES_FALSE end,
      ['nil'] = function() return spec.SERIES_MISSING end,
      table = exotic,
      userdata = exotic,
      cdata = exotic,
      ['function'] = noRule,
      thread = noRule,
   }
end

-- White space beyond ASCII, in UTF-8.
local SPACES = {'\194\133', '\194\160', '\225\154\128', '\226\128\168', '\226\128\169', '\226\128\175',
   '\226\129\159', '\227\128\128'}
for last = 128, 138 do SPACES[#SPACES + 1] = '\226\128' .. string.char(last) end

local function hasOuterSpace(field)
   if find(field, '^[\9-\13\28-\32]') or find(field, '[\9-\13\28-\32]$') then return true end
   for _, space in ipairs(SPACES) do
      if field:sub(1, #space) == space or field:sub(-#space) == space then return true end
   end
   return false
end

--- Return the cell of the header for a field: quoted only where it must be.
-- @string field the name of a field
function cells.fieldName(field)
   -- A reader would take a byte order mark off the front of the file.
   if find(field, '[,"\r\n]') or hasOuterSpace(field) or find(field, '^\239\187\191') then
      return '"' .. gsub(field, '"', '""') .. '"'
   end
   return field
end

return cells
