--- Secrets in a text that are recognized without a name: by a shape of their own, in a URL, in a private key.
--
--    secrettexts.cutUrls('https://me:hunter2@example.org')   --> 'https://me:[redacted]@example.org', 1
--
-- Each function returns the text without them, and how many they were. `lab-workbook.redaction` calls all.
--
-- @module lab-workbook.secrettexts

require 'lab-workbook.interpreted'(true, true)

local secretvalues = require 'lab-workbook.secretvalues'
local spec = require 'lab-workbook.spec'

local secrettexts = {}

local MARK = spec.SECRET_MARK

-- A longer user and password in a URL are not looked at.
local MOST_USER = 512

local function set(characters) return '[' .. characters:gsub('%%', '%%%%') .. ']' end

-- Replaces a part of the text at each place of a literal: `replacement(at)` returns where that part begins
-- and where
-- the text goes on; or nil and, if not at the next character, where the search goes on.
local function cutEach(text, literal, replacement)
   local pieces, done, count, at = {}, 1, 0, text:find(literal, 1, true)
   while at do
      local from, after = replacement(at)
      if from then
         pieces[#pieces + 1] = text:sub(done, from - 1) .. MARK
         done, count = after, count + 1
      end
      at = text:find(literal, after or at + 1, true)
   end
   if count == 0 then return text, 0 end
   return table.concat(pieces) .. text:sub(done), count
end

-- Returns whether a shape may begin at a place: after one of `front`, or else not within a word.
local function isAlone(text, at, front)
   if front then return at > 1 and text:find(front, at - 1) end
   -- In a text within a text, a line may begin after the two characters of `\n`.
   return at == 1 or not text:find('^[0-9A-Za-z_]', at - 1) or (at > 2 and text:find('^\\[nrt]', at - 2))
end

--- Cut secrets that have a shape of their own.
-- @string text any
function secrettexts.cutShapes(text)
   local count = 0
   for _, shape in ipairs(spec.SECRET_SHAPES) do
      local begin, run, least, holds = shape[1], '^' .. set(shape[2]) .. '+', shape[3], shape[4]
      local front = shape[5] ~= '' and '^' .. set(shape[5])
      -- A beginning that ends with one of these only leads to the secret, and shows what was cut.
      local isKept = begin:find('[ =/]$') ~= nil
      local found
      text, found = cutEach(text, begin, function(at)
         if not isAlone(text, at, front) then return nil end
         local body = text:match(run, at + #begin)
         if not body or #body < least then return nil end
         if not (begin .. body):find(holds, 1, true) then return nil, at + #begin + #body end
         return isKept and at + #begin or at, at + #begin + #body
      end)
      count = count + found
   end
   return text, count
end

-- Returns whether `user:password` is a host and its port, as in a malformed `http://localhost:8080@x`.
local function isPort(user, password)
   local isHost = user == 'localhost' or user:find('.', 1, true)
   return isHost and #password <= 5 and not password:find('[^0-9]')
end

--- Cut the password of each URL, and a long user that stands alone.
-- @string text any
function secrettexts.cutUrls(text)
   return cutEach(text, '://', function(at)
      local userinfo = text:sub(at + 3, at + 3 + MOST_USER):match('^([^ \t\r\n\v\f/?#"\'<>`\\]+)@')
      if not userinfo then return nil end
      local user = userinfo:match('^([^:]*):')
      local secret = user and userinfo:sub(#user + 2) or userinfo
      if secretvalues.isPlaceholder(secret) or (not user and #userinfo < 20) then return nil end
      if user and isPort(user, secret) then return nil end
      return at + 3 + #userinfo - #secret, at + 3 + #userinfo
   end)
end

-- Returns whether a line can be one of a private key, with what comments and patches put around it.
local function isKeyLine(line)
   if line:find('^[+%- \t]*[PDVCH][A-Za-z-]+: ') then return true end
   local body = line:gsub('^[+%- \t"\'#*/]*', ''):gsub('[ \t"\',;+\\]*\r?$', ''):gsub('\\[nr]', '')
   return not body:find('[^0-9A-Za-z+/=]')
end

-- Returns a line of a key as it is told, and whether something was cut.
local function markedLine(body, isPatch)
   -- Short pieces are a quote, an indent, or the last letters of a key, which tell nothing alone.
   if #body:gsub('[ \t\r"\'+,;\\-]', '') < 8 or body:find(MARK, 1, true) then return body, false end
   local kept = isPatch and body:match('^[+ -]') or ''
   return kept .. MARK .. (body:match('\r$') or ''), true
end

local KEY_BEGIN = '^(.-%-%-%-%-%-BEGIN [A-Z0-9 ]-PRIVATE KEY[BLOCK ]-%-%-%-%-%-)(.*)$'

--- Cut the body of each private key; the number of lines stays, and what a patch has before each.
-- @string text any
function secrettexts.cutKeys(text)
   if not text:find('PRIVATE KEY', 1, true) then return text, 0 end
   local pieces, count, left, isPatch, isCounted = {}, 0, 0, false, false
   for line, feed in text:gmatch('([^\n]*)(\n?)') do
      local head, rest = line:match(KEY_BEGIN)
      if head then
         left, isCounted = spec.SECRET_KEY_MAX_LINES, false
         isPatch = head:find('^[+ -]') and not head:find('^%-%-%-%-%-BEGIN')
      end
      local body, tail = rest or line, ''
      local stop = left > 0 and body:find('-----END', 1, true)
      if stop then body, tail = body:sub(1, stop - 1), body:sub(stop) end
      left = left > 0 and isKeyLine(body) and left - 1 or 0
      if left > 0 then
         local isCut
         body, isCut = markedLine(body, isPatch and not head)
         -- One key is one secret, however many lines it has.
         if isCut and not isCounted then count, isCounted = count + 1, true end
      end
      if stop then left = 0 end
      pieces[#pieces + 1] = (head or '') .. body .. tail .. feed
   end
   return table.concat(pieces), count
end

return secrettexts
