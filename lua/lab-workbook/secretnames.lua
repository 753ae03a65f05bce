--- Names of values that hold secrets.
--
--    secretnames.strength('AWS_SECRET_ACCESS_KEY')   --> 2: redact what could be a secret
--    secretnames.strength('token')                   --> 1: redact what looks random
--    secretnames.strength('numTokens')               --> 0
--
-- The lists are in spec/v1/spec.json, because the Python writer applies the same.
--
-- @module lab-workbook.secretnames

require 'lab-workbook.interpreted'(true, true)

local spec = require 'lab-workbook.spec'

local secretnames = {STRONG = 2, WEAK = 1, NONE = 0}

-- Capitals and small letters by their bytes, because the meaning of %u and string.lower follows the locale.
local SMALL = {}
for byte = 65, 90 do SMALL[string.char(byte)] = string.char(byte + 32) end

local function endsWith(text, endings)
   for _, ending in ipairs(endings) do
      if text:sub(-#ending) == ending then return true end
   end
   return false
end

--- Return a text with the capitals of ASCII made small.
-- @string text any
function secretnames.lower(text)
   return (text:gsub('[A-Z]', SMALL))
end

--- Return the words of a name in small letters, between underscores: '_db_password_' of 'DBPassword'.
-- @string name a key, an option, a variable
function secretnames.words(name)
   local words = name:gsub('([a-z])([A-Z])', '%1_%2'):gsub('([A-Z])([A-Z][a-z])', '%1_%2')
   return (('_' .. words .. '_'):gsub('[^A-Za-z\128-\255]+', '_'):gsub('[A-Z]', SMALL))
end

local function strength(name)
   if name == '' or #name > spec.SECRET_NAME_MAX then return secretnames.NONE end
   local words = secretnames.words(name)
   if endsWith(words, spec.SECRET_INNOCENT) then return secretnames.NONE end
   if endsWith(words, spec.SECRET_ENDINGS) then return secretnames.STRONG end
   for _, part in ipairs(spec.SECRET_ANYWHERE) do
      if words:find(part, 1, true) then return secretnames.STRONG end
   end
   return endsWith(words, spec.SECRET_WEAK) and secretnames.WEAK or secretnames.NONE
end

-- A program repeats its names, and a name is compared with more than a hundred texts.
local MOST = 4096
local known, count = {}, 0

--- Return how much a name says about its value: STRONG, WEAK or NONE.
-- @string name a key, an option, a variable
-- @treturn int
function secretnames.strength(name)
   local found = known[name]
   if not found then
      if count >= MOST then known, count = {}, 0 end
      found, count = strength(name), count + 1
      known[name] = found
   end
   return found
end

--- Return whether a name can be that of a secret, in any spelling of its words.
-- @string name a key, an option, a variable
-- @treturn boolean
function secretnames.isSecret(name)
   return secretnames.strength(name) ~= secretnames.NONE
end

return secretnames
