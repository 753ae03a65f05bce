--- Secrets within a text: by their own shape, in a URL, in a private key, or beside a name that tells them.
--
--    secrettexts.cutUrls('https://me:hunter2@example.org')   --> 'https://me:[redacted]@example.org', 1
--
-- Each function returns the text without them, and how many they were. `lab-workbook.redaction` calls all.
--
-- @module lab-workbook.secrettexts

require 'lab-workbook.interpreted'(true, true)

local secretnames = require 'lab-workbook.secretnames'
local spec = require 'lab-workbook.spec'

local secrettexts = {}

local MARK = spec.SECRET_MARK

local function set(characters) return '[' .. characters:gsub('%%', '%%%%') .. ']' end

-- Replaces what `replacement(at)` says of each place where a literal stands: it returns where what is cut
-- begins and where what comes after it begins, or nil.
local function cutEach(text, literal, replacement)
   local pieces, done, count, at = {}, 1, 0, text:find(literal, 1, true)
   while at do
      local from, after = replacement(at)
      if from then
         pieces[#pieces + 1] = text:sub(done, from - 1) .. MARK
         done, count = after, count + 1
      end
      at = text:find(literal, from and after or at + 1, true)
   end
   if count == 0 then return text, 0 end
   return table.concat(pieces) .. text:sub(done), count
end

--- Cut what is a secret by its own shape.
-- @string text any
function secrettexts.cutShapes(text)
   local count = 0
   for _, shape in ipairs(spec.SECRET_SHAPES) do
      local begin, run, least, holds = shape[1], '^' .. set(shape[2]) .. '+', shape[3], shape[4]
      -- What ends like this only leads to the secret, and tells what was cut.
      local isKept = begin:find('[ =/]$') ~= nil
      local found
      text, found = cutEach(text, begin, function(at)
         if at > 1 and text:find('^[0-9A-Za-z_]', at - 1) then return nil end
         local body = text:match(run, at + #begin)
         if not body or #body < least or not (begin .. body):find(holds, 1, true) then return nil end
         return isKept and at + #begin or at, at + #begin + #body
      end)
      count = count + found
   end
   return text, count
end

-- Says whether a program or a template puts the secret there later, or we have cut it before.
local function isPlaceholder(value)
   return value:find(MARK, 1, true) or value:find('^[{$%%<*]') or not value:find('[^*x.-]')
end

--- Cut the password of each URL, and a long user that stands alone.
-- @string text any
function secrettexts.cutUrls(text)
   return cutEach(text, '://', function(at)
      local userinfo = text:match('^([^ \t\r\n\v\f/?#"\'<>`\\]+)@', at + 3)
      if not userinfo or #userinfo > 512 then return nil end
      local user = userinfo:match('^([^:]*):')
      local secret = user and userinfo:sub(#user + 2) or userinfo
      if isPlaceholder(secret) or secret == '' or (not user and #userinfo < 20) then return nil end
      return at + 3 + #userinfo - #secret, at + 3 + #userinfo
   end)
end

-- Returns the name that ends before a place, and what stands before that.
local function nameBefore(text, at)
   local front = text:sub(math.max(1, at - 120), at - 1):match('[^\n]*$')
   if text:sub(at, at) == '=' then front = front:gsub(': ?str ?$', '') end
   local name = front:gsub('[ \t]+$', ''):gsub('["\']$', ''):match('[0-9A-Za-z_.-]+["\']?$') or ''
   return (name:gsub('["\']$', '')), front:sub(-#name - 1, -#name - 1)
end

-- Says whether what stands bare after a name of a secret is one, and no part of a program.
local function isBareSecret(name, lead, value, after)
   if lead == '=' and not name:find('[a-z]') and after:find('^[\r\n \t&]?$') then return true end
   if #value >= 32 and not value:find('[^0-9a-f]') then return value:find('[a-f]') ~= nil end
   return #value >= 16 and not value:find('.', 1, true) and value:find('[0-9]') and value:find('[A-Z]')
      and value:find('[a-z]')
end

-- Returns where the value after a sign begins and where it ends, with its text and its quote.
local function valueAfter(text, at)
   local lead = text:match('^[:=]>?[ \t]*', at)
   local start = at + #lead
   local quote = text:match('^["\']', start)
   if quote then
      local value = text:match('^[^ \t\r\n\v\f"\'\\]+', start + 1)
      local stop = value and start + 1 + #value
      if not value or #value < 6 or #value > 512 or text:sub(stop, stop) ~= quote then return nil end
      return lead, start + 1, value, quote
   end
   local value = text:match('^[^ \t\r\n\v\f"\'`()%[%]{}<>,;&$\\:=]+', start)
   if value and #value >= 4 then
      return lead, start, value .. (text:match('^==?%f[ \t\r\n"\'&,;)%z]', start + #value) or ''), nil
   end
end

-- What all names of secrets hold one of; most texts have none, and need no further look.
local HINTS = {'pass', 'pwd', 'secret', 'token', 'key', 'auth', 'credential', 'cookie', 'bearer',
   'connection', 'sid', 'session', 'signature'}

local function hasHint(text)
   local lower = secretnames.lower(text)
   for _, hint in ipairs(HINTS) do
      if lower:find(hint, 1, true) then return true end
   end
   return false
end

--- Cut what a name beside it tells to be a secret.
-- @string text any
function secrettexts.cutNamed(text)
   if not hasHint(text) then return text, 0 end
   local pieces, done, count, at = {}, 1, 0, text:find('[:=]')
   while at do
      local lead, start, value, quote = valueAfter(text, at)
      local name, front
      if lead and not isPlaceholder(value) and (quote or lead == '=' or #value >= 16) then
         name, front = nameBefore(text, at)
      end
      if name and secretnames.isSecret(name) then
         local after = text:sub(start + #value, start + #value)
         local isQuery = lead == '=' and (front == '?' or front == '&')
         if quote or isQuery or isBareSecret(name, lead, value, after) then
            pieces[#pieces + 1] = text:sub(done, start - 1) .. MARK
            done, count = start + #value, count + 1
         end
      end
      at = text:find('[:=]', math.max(done, at + 1))
   end
   if count == 0 then return text, 0 end
   return table.concat(pieces) .. text:sub(done), count
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

local KEY_BEGIN = '^(.-%-%-%-%-%-BEGIN [A-Z0-9 ]-PRIVATE KEY%-%-%-%-%-)(.*)$'

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
