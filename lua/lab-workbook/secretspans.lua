--- Where a name and a value begin and end in the text of a program, of settings or of a message.
--
-- Quotes may be escaped: a notebook is JSON that contains programs, and JSON often contains JSON. Each
-- function
-- looks at a window of bounded length. A span is the place where it begins, and the place after its end.
--
-- @module lab-workbook.secretspans

require 'lab-workbook.interpreted'(true, true)

local spec = require 'lab-workbook.spec'

local secretspans = {}

local LONGEST, MOST_BEFORE = spec.SECRET_VALUE_MAX, 120

local WRAPPERS, SCHEMES = {}, {}
for _, word in ipairs(spec.SECRET_WRAPPERS) do WRAPPERS[word] = true end
for _, word in ipairs(spec.SECRET_SCHEMES) do SCHEMES[word] = true end

local function window(text, at, size) return text:sub(at, at + size - 1) end

-- Returns the end of a text that has only such characters. Lua searches forwards, so the text is reversed.
local function ending(text, class) return text:reverse():match('^' .. class .. '*'):reverse() end

--- Return the name around a place; an empty one at the end of what is too long for a name.
-- @string text any
-- @int at the place
-- @int floor the name does not begin before this
function secretspans.name(text, at, floor)
   local before = text:sub(math.max(floor, at - MOST_BEFORE), at - 1)
   local start = at - #ending(before, '[0-9A-Za-z_.-]')
   local stop = at + #window(text, at, spec.SECRET_NAME_MAX + 1):match('^[0-9A-Za-z_.-]*')
   if stop - at > spec.SECRET_NAME_MAX or at - start == MOST_BEFORE then return stop, stop end
   -- The line of a text within a text may begin here, after the two characters of an escape.
   if start > 1 and start < at and text:find('^\\[nrt]', start - 1) then start = start + 1 end
   return start, stop
end

-- Returns the line that begins at a place, up to a closing text that it may have.
local function closed(text, start, closing)
   local line = window(text, start, LONGEST):match('^[^\n]*')
   -- Its bracket is not the first one of `]]`.
   if line:sub(1, #spec.SECRET_MARK) == spec.SECRET_MARK then return nil end
   local stop = line:find(closing, 1, true)
   local value = (stop and line:sub(1, stop - 1) or line):gsub('[ \t\r]+$', '')
   if value == '' then return nil end
   return start, start + #value
end

-- Returns what goes up to a quote that is escaped as often as the opening one.
local function escaped(text, start, slashes, quote)
   local view = window(text, start, LONGEST)
   local at = view:find(quote, 1, true)
   while at do
      local count = #ending(view:sub(1, at - 1), '\\')
      if (slashes > 0 and count <= slashes) or (slashes == 0 and count % 2 == 0) then
         local value = view:sub(1, slashes > 0 and at - count - 1 or at - 1)
         if value == '' or value:find('\n', 1, true) then return nil end
         return start, start + #value
      end
      at = view:find(quote, at + 1, true)
   end
end

--- Return what is in the quotes that begin at a place, also behind `b` or `SecretStr(`.
-- @string text any
-- @int at the place
function secretspans.quoted(text, at)
   local view = window(text, at, LONGEST + 80)
   local wrapper = view:match('^([0-9A-Za-z_.]+)%(')
   if wrapper and WRAPPERS[wrapper] then return secretspans.quoted(text, at + #wrapper + 1) end
   if view:sub(1, 2) == '[[' then return closed(text, at + 2, ']]') end
   local slashes, quote, stop = view:match('^[bBrRuUfF]?[bBrRuUfF]?(\\*)(["\'`])()')
   if not slashes then return nil end
   local start = at + stop - 1
   local token = slashes .. quote
   if window(text, start, 2 * #token) == token:rep(2) then
      start = start + 2 * #token
      local margin = window(text, start, 80):match('^[ \t\r\n]*')
      return closed(text, start + #margin, slashes == '' and quote:rep(3) or token)
   end
   return escaped(text, start, #slashes, quote)
end

--- Return what is between the tags of XML.
-- @string text any
-- @int at the place after the first one
function secretspans.tag(text, at)
   local stop = window(text, at, LONGEST):find('<', 2, true)
   if not stop then return nil end
   return at, at + stop - 1
end

--- Return the second text of `("user", "password")`.
-- @string text any
-- @int at the place of the bracket
function secretspans.secondOfPair(text, at)
   if text:sub(at, at) ~= '(' then return nil end
   local _, stop = secretspans.quoted(text, at + 1)
   local comma = stop and window(text, stop, 20):match('^\\*["\'][ \t]*,[ \t]*()')
   if not comma then return nil end
   return secretspans.quoted(text, stop + comma - 1)
end

--- Return the value without quotes that begins at a place, behind `Bearer` or the like; nil for a call.
-- @string text any
-- @int at the place
function secretspans.bare(text, at)
   local scheme = window(text, at, LONGEST + 1):match('^([^ ]*) ')
   if scheme and SCHEMES[scheme] then at = at + #scheme + 1 end
   local view = window(text, at, LONGEST + 1)
   local run = view:match('^[^ \t\r\n\v\f"\'`()%[%]{}<>,;\\]+')
   if not run or #run > LONGEST or view:find('^[(%[{]', #run + 1) then return nil end
   local field = run:find('&[0-9A-Za-z_.%%-]*=')
   if field then run = run:sub(1, field - 1) end
   local value = run:sub(1, #run - #ending(run, '[.:]'))
   if value == '' then return nil end
   return at, at + #value
end

--- Return the word before a place, if only spaces are between them; else an empty text.
-- @string text any
-- @int start the place
function secretspans.frontWord(text, start)
   local before = text:sub(math.max(1, start - 40), start - 1)
   local stripped = before:sub(1, #before - #ending(before, '[ \t]'))
   return stripped ~= before and ending(stripped, '[^ \t\n"\'=;]') or ''
end

return secretspans
