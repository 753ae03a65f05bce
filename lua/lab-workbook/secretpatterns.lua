--- Patterns of secrets in the configuration, `redact = ACME-\d{8}|tok_[0-9a-f]{32}`.
--
-- Lua has no regular expressions, so both languages read one small subset of them, in ASCII: characters,
-- `.`, sets such as `[0-9a-f]` and `[^"]`, `\d`, `\w` and `\s`, each repeated by `?`, `*`, `+`, `{8}`, `{8,}`
-- or `{8,40}`, and `|` between whole patterns. Each alternative becomes a pattern of Lua.
--
-- @module lab-workbook.secretpatterns

require 'lab-workbook.interpreted'(true, true)

local spec = require 'lab-workbook.spec'
local text = require 'lab-workbook.text'

local secretpatterns = {}

local MOST, MOST_OPTIONAL = 200, 50

local CLASSES = {d = '[0-9]', w = '[0-9A-Za-z_]', s = '[ \t\r\n]'}

-- Of `.` and of negated sets: ASCII only, because Python sees characters where Lua sees bytes.
local CHARACTERS = {'\t'}
for byte = 32, 126 do CHARACTERS[#CHARACTERS + 1] = string.char(byte) end

local function literal(character) return (character:gsub('[^0-9A-Za-z \t]', '%%%0')) end

local function members(isWanted)
   local made = {}
   for _, character in ipairs(CHARACTERS) do
      if isWanted(character) then made[#made + 1] = literal(character) end
   end
   return '[' .. table.concat(made) .. ']'
end

-- Returns the pattern of a character, and the character itself where there is one; or nil and what is wrong.
local function single(piece)
   if #piece == 1 then return literal(piece), piece end
   local character = piece:sub(2)
   if CLASSES[character] then return CLASSES[character] end
   if not character:find('^[][.()^$+*?{}|/\\-]$') then
      return nil, piece .. ' is not known; \\d, \\w, \\s and escaped signs are'
   end
   return literal(character), character
end

-- Returns the tests of the pieces of a set, or nil and what is wrong.
local function tests(inner)
   local found, at = {}, 1
   while at <= #inner do
      local piece = inner:match('^\\.', at) or inner:sub(at, at)
      local pattern, first = single(piece)
      if not pattern then return nil, first end
      at = at + #piece
      local last = first and inner:match('^%-(\\.)', at) or first and inner:match('^%-(.)', at)
      if last then
         local _, stop = single(last)
         local isRange = stop and not CLASSES[last:sub(2)] and first <= stop
         if not isRange then return nil, ('[%s]: bad range'):format(inner) end
         at = at + 1 + #last
         found[#found + 1] = function(character) return character >= first and character <= stop end
      else
         found[#found + 1] = function(character) return character:find('^' .. pattern .. '$') ~= nil end
      end
   end
   return found
end

-- Returns the pattern of a set, or nil and what is wrong.
local function set(inner)
   local isNegated = inner:sub(1, 1) == '^'
   if isNegated then inner = inner:sub(2) end
   if inner == '' then return nil, 'a set has at least one character' end
   local found, problem = tests(inner)
   if not found then return nil, problem end
   local made = members(function(character)
      for _, test in ipairs(found) do
         if test(character) then return not isNegated end
      end
      return isNegated
   end)
   if made == '[]' then return nil, ('[%s] contains no character'):format(inner) end
   return made
end

-- Returns the item that begins at a place, and the place after it; or nil and what is wrong.
local function item(pattern, at)
   local character = pattern:sub(at, at)
   if character == '.' then return members(function() return true end), at + 1 end
   if character == '[' then
      local stop = pattern:match('^%[%^?%]?()', at)
      while stop <= #pattern and pattern:sub(stop, stop) ~= ']' do
         stop = stop + (pattern:sub(stop, stop) == '\\' and 2 or 1)
      end
      if stop > #pattern then return nil, pattern:sub(at) .. ' has no closing bracket' end
      local made, problem = set(pattern:sub(at + 1, stop - 1))
      return made, made and stop + 1 or problem
   end
   local piece = pattern:match('^\\.', at) or character
   if piece == '\\' or piece:find('^[()^$+*?{}]') then
      return nil, text.shown(pattern:sub(at))
         .. ' begins with a sign that is not known, such as a group or an anchor'
   end
   local made, problem = single(piece)
   return made, made and at + #piece or problem
end

-- Returns an item repeated as what follows it says, and the place after that; or nil and what is wrong.
local function repeated(made, pattern, at)
   if pattern:find('^[?*+]', at) then return made .. pattern:sub(at, at), at + 1 end
   local braces, least, comma, most = pattern:match('^({(%d+)(,?)(%d*)})', at)
   if not braces then return made, at end
   local largest = tonumber(most) or tonumber(least)
   least = tonumber(least)
   local isKnown = (most == '' or comma ~= '') and least <= largest
   if not isKnown or largest > MOST or largest - least > MOST_OPTIONAL then
      return nil, ('%s: at most %d repetitions, %d of them optional'):format(braces, MOST, MOST_OPTIONAL)
   end
   local rest = most ~= '' and (made .. '?'):rep(largest - least) or comma ~= '' and made .. '*' or ''
   return made:rep(least) .. rest, at + #braces
end

--- Return the alternatives of a pattern, as patterns of Lua; or nil and what is wrong.
-- @string pattern of the configuration
function secretpatterns.parse(pattern)
   if pattern:find('[^ -~]') then return nil, 'a pattern is of printable ASCII characters' end
   local made, at = {''}, 1
   while at <= #pattern do
      if pattern:sub(at, at) == '|' then
         made[#made + 1], at = '', at + 1
      else
         local one, stop = item(pattern, at)
         if one then one, stop = repeated(one, pattern, stop) end
         if not one then return nil, stop end
         made[#made], at = made[#made] .. one, stop
      end
   end
   for _, each in ipairs(made) do
      if each == '' or (''):find('^' .. each) then
         return nil, 'it matches the empty text; give a character that must be there'
      end
      if spec.SECRET_MARK:find(each) then
         return nil, ('it matches %s, which is what is written for a secret'):format(spec.SECRET_MARK)
      end
   end
   return made
end

return secretpatterns
