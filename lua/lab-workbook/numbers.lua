--- Numbers that read back exactly.
--
-- `tostring` keeps 14 digits, so a resumed run would not match its own log. Here a number has 15 digits
-- where 15 read back exactly and 17 where not, always with a dot, whatever the locale says.
--
--    numbers.text(0.1)     --> '0.1'
--    numbers.text(1/3)     --> '0.33333333333333331'
--    numbers.text(3)       --> '3'
--
-- @module lab-workbook.numbers

local spec = require 'lab-workbook.spec'

local numbers = {}

local format, find, gsub, floor = string.format, string.find, string.gsub, math.floor
local setlocale = os.setlocale

-- Lua 5.3 and later know integers from floats; the others have only doubles.
local mathType = rawget(math, 'type')
local log10 = rawget(math, 'log10') or function(x) return math.log(x, 10) end
local isJit = rawget(_G, 'jit') ~= nil
local EXACT = spec.SERIES_EXACT_INTEGER_MAX
local NAN, INFINITY = spec.SERIES_NAN, spec.SERIES_INFINITY

-- Powers of ten are exact doubles up to 1e22.
local POWERS = {}
for exponent = 0, 22 do POWERS[exponent] = tonumber('1e' .. exponent) end

-- The decimal point of the locale that `locale` names.
local locale, point = nil, '.'

--- Take note of the locale of the moment. Call it before a row or a document.
-- It costs 0.1 µs, and nothing on LuaJIT, which always writes a dot.
function numbers.refresh()
   local now = setlocale(nil, 'numeric')
   if now ~= locale then
      locale = now
      point = format('%.1f', 0.5):match('^0(.-)5$')
   end
end
if isJit then
   function numbers.refresh() end
end

local function dotted(digits)
   if point == '.' then return digits end
   return (gsub(digits, (gsub(point, '%p', '%%%0')), '.'))
end

-- Reads a number as it was written under the locale of the moment.
local function reads(digits, x) return tonumber(digits) == x end

--- Return the shorter of 15 and 17 significant digits that reads back exactly; x is finite.
local function digits(x)
   local size = x < 0 and -x or x
   if size >= 1e-8 and size < 1e15 then
      -- x is a decimal of 15 digits if and only if m / 10^k gives it back: both are exact doubles, so the
      -- division rounds as reading does. This saves printing the digits twice.
      local power = POWERS[14 - floor(log10(size))]
      -- The logarithm of 99999999.9999999 rounds up to 8.
      if size * power < 1e14 then power = power * 10 end
      local m = size * power + 0.5
      m = m - m % 1
      return format(m / power == size and m < 1e15 and '%.15g' or '%.17g', x)
   end
   local short = format('%.15g', x)
   return reads(short, x) and short or format('%.17g', x)
end

-- Returns a float's text, with a mark that it is no integer.
local function float(x)
   if x ~= x then return NAN end
   if x == 1 / 0 then return INFINITY end
   if x == -1 / 0 then return '-' .. INFINITY end
   local spelled = dotted(digits(x))
   -- A minus sign alone makes '-0', which would read as an integer.
   if not find(spelled, '[.e]') then return spelled .. '.0' end
   return spelled
end

if mathType then
   --- Return a number as a cell and as JSON spell it.
   -- @number x any number
   -- @treturn string digits; a float has a '.' or an exponent where the language has integers
   function numbers.text(x)
      if mathType(x) == 'integer' then return format('%d', x) end
      return float(x)
   end
else
   function numbers.text(x)
      if x % 1 == 0 and x < EXACT and x > -EXACT and (x ~= 0 or 1 / x > 0) then return format('%d', x) end
      return float(x)
   end
end

--- Return the number that a text spells with a dot, or nil; `tonumber` follows the locale on PUC Lua.
-- @string spelled such as '0.5'
function numbers.read(spelled)
   numbers.refresh()
   if find(spelled, '[^0-9.eE+-]') then return nil end
   return tonumber((gsub(spelled, '%.', (gsub(point, '%%', '%%%%')))))
end

return numbers
