--- Numbers that read back exactly.
--
-- `tostring` keeps 14 digits, so a resumed run would not match its own log. Here a number has 15 digits
-- where 15 read back exactly and 17 where not, always with a dot, whatever the locale says.
--
--    numbers.text(0.1)     --> '0.1'
--    numbers.text(1/3)     --> '0.33333333333333331'
--    numbers.text(3)       --> '3'
--
-- This is where a row spends most of its time; benchmarks/lua_row.py watches over it.
--
-- @module lab-workbook.numbers

local spec = require 'lab-workbook.spec'

local numbers = {}

local format, find, gsub = string.format, string.find, string.gsub
local setlocale = os.setlocale

-- Lua 5.3 and later know integers from floats; the others have only doubles.
local mathType = rawget(math, 'type')
local isJit = rawget(_G, 'jit') ~= nil
local EXACT = spec.SERIES_EXACT_INTEGER_MAX
local NAN, INFINITY = spec.SERIES_NAN, spec.SERIES_INFINITY

-- Doubles from 2^52 on have no fraction, so adding it and taking it away rounds to a whole number. It is
-- quicker than a call of math.floor, and right for all sizes below 2^51.
local ROUND = 2 ^ 52

-- The numeric locale that was last seen, and whether it has a decimal point of its own.
local locale, point, isForeign = nil, '.', false

--- Take note of the locale of the moment. Call it before a row or a document.
-- It costs 0.1 µs, and nothing on LuaJIT, which always writes a dot.
function numbers.refresh()
   local now = setlocale(nil, 'numeric')
   if now ~= locale then
      locale = now
      point = format('%.1f', 0.5):match('^0(.-)5$')
      isForeign = point ~= '.'
   end
end
if isJit then
   function numbers.refresh() end
end

local function dotted(digits)
   return (gsub(digits, (gsub(point, '%p', '%%%0')), '.'))
end

-- Returns the power of ten that makes 15 digits of a size from 1e-7 up to 1e15 a whole number. Most numbers
-- of a training run lie near 1, so they are found first.
local function power(size)
   if size >= 1 then
      if size < 1e1 then return 1e14 elseif size < 1e2 then return 1e13 elseif size < 1e3 then return 1e12 end
      local found = 1e11
      while size * found >= 1e15 do found = found / 10 end
      return found
   end
   if size >= 1e-1 then return 1e15 elseif size >= 1e-2 then return 1e16 end
   if size >= 1e-3 then return 1e17 elseif size >= 1e-4 then return 1e18 end
   if size >= 1e-5 then return 1e19 elseif size >= 1e-6 then return 1e20 end
   return 1e21
end

-- Returns the shorter of 15 and 17 digits of a finite number that reads back exactly, tried by reading.
local function digits(x)
   local short = format('%.15g', x)
   -- Under the locale of the moment tonumber reads what format writes.
   return tonumber(short) == x and short or format('%.17g', x)
end

-- Returns the text of a float that is whole, huge, tiny or not finite.
local function odd(x)
   if x ~= x then return NAN end
   if x == 1 / 0 then return INFINITY end
   if x == -1 / 0 then return '-' .. INFINITY end
   local spelled = digits(x)
   if isForeign then spelled = dotted(spelled) end
   -- Without a mark it would read as an integer.
   if not find(spelled, '[.e]') then return spelled .. '.0' end
   return spelled
end

-- Returns the text of a number that is no everyday fraction.
local function other(x)
   if mathType then return mathType(x) == 'integer' and format('%d', x) or odd(x) end
   local isWhole = x < EXACT and x > -EXACT and x % 1 == 0
   return isWhole and (x ~= 0 or 1 / x > 0) and format('%d', x) or odd(x)
end

--- Return a number as a cell and as JSON spell it.
-- @number x any number
-- @treturn string digits; a float has a '.' or an exponent where the language has integers
function numbers.text(x)
   local size = x < 0 and -x or x
   if size >= 1e-7 and size < 1e15 and size + ROUND - ROUND ~= size then
      -- x is a decimal of 15 digits if and only if m / 10^k gives it back: up to 2^53 and 1e22 both are
      -- exact doubles, so the division rounds as reading does. This saves printing and reading the digits.
      local k = power(size)
      local spelled = format((size * k + ROUND - ROUND) / k == size and '%.15g' or '%.17g', x)
      return isForeign and dotted(spelled) or spelled
   end
   return other(x)
end

--- Return the number that a text spells with a dot, or nil; `tonumber` follows the locale on PUC Lua.
-- @string spelled such as '0.5'
function numbers.read(spelled)
   numbers.refresh()
   if find(spelled, '[^0-9.eE+-]') then return nil end
   return tonumber((gsub(spelled, '%.', (gsub(point, '%%', '%%%%')))))
end

return numbers
