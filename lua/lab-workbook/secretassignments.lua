--- Secrets in a text that stand beside their names: `apiKey = "…"`, `DB_PASSWORD=…`, `--password …`.
--
-- The search goes from one name to the next. After a name come a link (a sign, a comma, a space) and a value,
-- each looked at in a window of bounded length, so the time is linear in the length of the text. The module
-- `secret_assignments` of the Python writer takes the same steps.
--
-- @module lab-workbook.secretassignments

require 'lab-workbook.interpreted'(true, true)

local secretnames = require 'lab-workbook.secretnames'
local secretspans = require 'lab-workbook.secretspans'
local secretvalues = require 'lab-workbook.secretvalues'
local spec = require 'lab-workbook.spec'

local secretassignments = {}

local SHORTEST, SHORTEST_LOGIN = 4, 10
local STRONG = secretnames.STRONG

local CALLERS, SHELLS = {}, {}
for _, word in ipairs(spec.SECRET_CALLERS) do CALLERS[word] = true end
for _, word in ipairs(spec.SECRET_SHELLS) do SHELLS[word] = true end

-- Returns the place after what matches at a place; `pattern` ends with an empty capture.
local function after(text, at, size, pattern)
   local stop = text:sub(at, at + size - 1):match(pattern)
   return stop and at + stop - 1
end

local function skip(text, at) return after(text, at, 40, '^[ \t]*()') end

-- A type between a name and its value, as Python writes it, without '=='.
local function annotation(text, at)
   local stop = after(text, at, 80, '^[ \t]*:[ \t]*[A-Za-z_][A-Za-z_.%[%]|, ]*=()')
   return stop and (stop > at + 79 or text:sub(stop, stop) ~= '=') and stop
end

local SIGNS = {'^[ \t]*[:=]=*>?()', '^[ \t]*!=+()', '^[ \t]*or[ \t]()', '^[ \t]*||()', '^[ \t]*%?%?()'}

local function sign(text, at)
   for _, pattern in ipairs(SIGNS) do
      local stop = after(text, at, 40, pattern)
      if stop then return stop end
   end
end

local function pair(text, at)
   for _, word in ipairs(spec.SECRET_DEFAULTS) do
      local stop = after(text, at, 80,
         '^[ \t\r\n,]*\\*n?[ \t]*["\'\\]*' .. word .. '["\'\\]*[ \t]*[:=][ \t]*()')
      if stop then return stop end
   end
end

-- Returns the kind of what is between a name and its value, the place of the value, and the sign.
local function link(text, name)
   local at = after(text, name.stop, 16, '^\\*["\'`]()')
   local isQuoted = at ~= nil
   at = at or name.stop
   if isQuoted then
      at = after(text, at, 8, '^[ \t]*[%])]+()') or at
   else
      local stop = annotation(text, at)
      if stop then return 'sign', skip(text, stop), '=' end
   end
   local stop = sign(text, at)
   if stop then return 'sign', skip(text, stop), text:sub(at, stop - 1) end
   if name.front == '<' and text:sub(at, at) == '>' then return 'tag', at + 1 end
   stop = pair(text, at)
   if stop then return 'pair', stop end
   stop = isQuoted and after(text, at, 20, '^[ \t]*,[ \t]*()')
   if stop then
      local call = text:sub(at, at + 199):match('^[^)\n]*')
      local default = call:match('[^0-9A-Za-z_]default[ \t]*=[ \t]*()')
      if default then return 'pair', at + default - 1 end
      return 'list', stop
   end
   stop = after(text, at, 20, '^[ \t]+()')
   if stop then return 'space', stop end
end

-- Returns whether the function is one of those whose first argument, in quotes, is a name.
local function isCalled(text, start)
   local before = text:sub(math.max(1, start - 60), start - 1):reverse()
   local call = before:match('^-*["\'`]\\*[ \t]*%(([A-Za-z_]+)')
   return call ~= nil and CALLERS[call:reverse()] ~= nil
end

local function isQuotedSecret(text, name, kind, value)
   if name.strength ~= STRONG then return secretvalues.looksRandom(value) end
   if #value < SHORTEST or not secretvalues.couldBeSecret(name.text, value) then return false end
   if name.isOption or kind == 'sign' or kind == 'pair' or kind == 'tag' then return true end
   return kind == 'list' and isCalled(text, name.start) or secretvalues.looksMadeUp(value)
      or secretvalues.looksRandom(value)
end

-- Returns whether `NAME VALUE` follows a command such as setenv, or is in a .netrc.
local function isInShell(text, name)
   if name.text == 'password' then
      return text:sub(math.max(1, name.start - 60), name.start - 1):find('login ', 1, true) ~= nil
   end
   return not name.text:find('[a-z]') and SHELLS[secretspans.frontWord(text, name.start)] ~= nil
end

local function isBareSecret(text, name, kind, at, mark, value)
   if kind == 'list' or #value < SHORTEST then return false end
   local isShell = kind == 'space' and name.strength == STRONG and isInShell(text, name)
   if kind == 'space' and not (name.isOption or isShell) then return false end
   if name.strength ~= STRONG then
      return secretvalues.looksRandom(value) and not value:find('.', 1, true)
   end
   if not secretvalues.couldBeSecret(name.text, value) then return false end
   -- Anything else may be a line of a program, whose names are not secrets.
   local isExact = mark == '=' and at == name.stop + 1
   local isUpper = not name.text:find('[a-z]')
   local isTold = isExact and (name.isOption or isUpper or name.front:find('^[?&;]'))
   return kind == 'pair' or isShell or isTold or secretvalues.looksMadeUp(value)
      or secretvalues.looksRandom(value)
end

local function valueOf(text, name)
   local kind, at, mark = link(text, name)
   if not kind then return nil end
   local find = kind == 'tag' and secretspans.tag or secretspans.quoted
   local start, stop = find(text, at)
   if not start and secretnames.words(name.text):find('_auth_$') then
      start, stop = secretspans.secondOfPair(text, at)
      name.strength = STRONG
   end
   if start then
      return isQuotedSecret(text, name, kind, text:sub(start, stop - 1)) and start, stop
   end
   start, stop = secretspans.bare(text, at)
   if not start or kind == 'tag' then return nil end
   return isBareSecret(text, name, kind, at, mark, text:sub(start, stop - 1)) and start, stop
end

-- Returns the first argument of `login(…)`, or `key=…`, if that is a secret.
local function login(text, at)
   local stop = after(text, at, 60, '^[A-Za-z_]*[ \t]*=[ \t]*()')
   local name = stop and text:sub(at, stop - 1):match('^[A-Za-z_]*')
   local start, finish = secretspans.quoted(text, stop or at)
   if not start or (name and name ~= 'key' and not secretnames.isSecret(name)) then return nil end
   local value = text:sub(start, finish - 1)
   if name then return #value >= SHORTEST and secretvalues.couldBeSecret(name, value) and start, finish end
   return #value >= SHORTEST_LOGIN and (secretvalues.looksRandom(value) or secretvalues.looksMadeUp(value))
      and start, finish
end

local function secretAfter(text, start, stop)
   local name = text:sub(start, stop - 1)
   if name:find('login$') and text:sub(stop, stop) == '(' then return login(text, stop + 1) end
   local strength = secretnames.strength(name)
   -- ${PASSWORD} is a reference.
   if strength == secretnames.NONE or text:sub(math.max(1, start - 2), start - 1) == '${' then return nil end
   local front = start > 1 and text:sub(start - 1, start - 1) or ''
   if front == ';' and (name == 'pwd' or name == 'Pwd' or name == 'PWD') then strength = STRONG end
   return valueOf(text, {text = name, start = start, stop = stop, strength = strength, front = front,
      isOption = name:sub(1, 1) == '-'})
end

-- Returns the places of all that a name of a secret contains one of, in order.
local function hints(text)
   local lower, places = secretnames.lower(text), {}
   for _, hint in ipairs(spec.SECRET_HINTS) do
      local at = lower:find(hint, 1, true)
      while at do
         places[#places + 1] = at
         at = lower:find(hint, at + #hint, true)
      end
   end
   table.sort(places)
   return places
end

--- Cut the values that stand beside the name of a secret.
-- @string text any
-- @treturn string
-- @treturn int how many were cut
function secretassignments.cutNamed(text)
   local pieces, count, copied, done = {}, 0, 1, 1
   for _, place in ipairs(hints(text)) do
      if place >= done then
         local start
         start, done = secretspans.name(text, place, copied)
         local from, stop = secretAfter(text, start, done)
         if from then
            pieces[#pieces + 1] = text:sub(copied, from - 1) .. spec.SECRET_MARK
            copied, done, count = stop, stop, count + 1
         end
      end
   end
   if count == 0 then return text, 0 end
   return table.concat(pieces) .. text:sub(copied), count
end

return secretassignments
