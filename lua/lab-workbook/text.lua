--- Text that is safe to write, and text that is fit to show.
--
-- A log must not stop a training run because a caption held half a character, so a text that is not valid
-- UTF-8, or holds NUL, is written with U+FFFD in those places (rule text.mended).
--
-- @module lab-workbook.text

require 'lab-workbook.interpreted'(true, true)

local spec = require 'lab-workbook.spec'

local text = {}

local byte, find, sub = string.byte, string.find, string.sub

-- For each first byte of a longer character: how many bytes follow, and the range of the first of them. The
-- narrow ranges keep out overlong spellings, surrogates and what lies beyond U+10FFFF.
local FOLLOWERS = {}
for first = 0xC2, 0xDF do FOLLOWERS[first] = {1, 0x80, 0xBF} end
for first = 0xE0, 0xEF do FOLLOWERS[first] = {2, 0x80, 0xBF} end
for first = 0xF0, 0xF4 do FOLLOWERS[first] = {3, 0x80, 0xBF} end
FOLLOWERS[0xE0][2], FOLLOWERS[0xED][3] = 0xA0, 0x9F
FOLLOWERS[0xF0][2], FOLLOWERS[0xF4][3] = 0x90, 0x8F

-- Returns the position after the character that starts at `start`, and whether it is whole. What is not
-- whole ends before the first byte that does not fit, as Unicode recommends and Python does.
local function character(value, start)
   local rule = FOLLOWERS[byte(value, start)]
   if not rule then return start + 1, false end
   local low, high = rule[2], rule[3]
   for offset = 1, rule[1] do
      local follower = byte(value, start + offset)
      if not follower or follower < low or follower > high then return start + offset, false end
      low, high = 0x80, 0xBF
   end
   return start + rule[1] + 1, true
end

-- Walks over everything that is not ASCII, and calls `bad(start, stop)` for what is not a character.
local function eachFault(value, bad)
   local start = find(value, '[\128-\255]')
   while start do
      local after, whole = character(value, start)
      if not whole then bad(start, after - 1) end
      start = find(value, '[\128-\255]', after)
   end
end

--- Say whether a text is valid UTF-8.
-- @string value the text
-- @treturn boolean
function text.isUtf8(value)
   local valid = true
   eachFault(value, function() valid = false end)
   return valid
end

--- Return the text as it may be written, and report 'texts' if it had to be changed.
-- @string value the text
-- @func report called with the kind of loss
-- @bool[opt] keepNul JSON has a spelling for NUL and keeps it
function text.mended(value, report, keepNul)
   -- The class has all bytes but NUL and those above ASCII; a literal NUL would end a pattern of Lua 5.1.
   if not find(value, '[^\1-\127]') then return value end
   local pieces, done = {}, 1
   eachFault(value, function(start, stop)
      pieces[#pieces + 1] = sub(value, done, start - 1)
      pieces[#pieces + 1] = spec.TEXT_REPLACEMENT
      done = stop + 1
   end)
   local valid = table.concat(pieces) .. sub(value, done)
   if not keepNul then valid = valid:gsub('%z', spec.TEXT_REPLACEMENT) end
   if valid ~= value then report(spec.LOSS_TEXTS) end
   return valid
end

local SHORT = {['\\'] = '\\\\', ['\n'] = '\\n', ['\t'] = '\\t', ['\r'] = '\\r'}

--- Return a value as messages show it: a text in quotes, its odd bytes spelled out, cut after 80.
-- @param value anything
-- @treturn string
function text.shown(value)
   if type(value) ~= 'string' then return tostring(value) end
   local odd = text.isUtf8(value) and '[%c\\]' or '[%c\\\128-\255]'
   local shown = value:gsub(odd, function(char)
      return SHORT[char] or ('\\x%02x'):format(byte(char))
   end)
   local mark = find(shown, "'", 1, true) and not find(shown, '"', 1, true) and '"' or "'"
   if #shown <= 78 then return mark .. shown .. mark end
   -- A character must not be cut in two.
   return mark .. sub(shown, 1, 76):gsub('[\192-\255][\128-\191]*$', '') .. '...'
end

--- Compare two texts by their bytes. `<` follows the locale on PUC Lua.
-- @string left a text
-- @string right a text
-- @treturn boolean whether left comes first
function text.before(left, right)
   for at = 1, math.min(#left, #right) do
      local one, other = byte(left, at), byte(right, at)
      if one ~= other then return one < other end
   end
   return #left < #right
end

return text
