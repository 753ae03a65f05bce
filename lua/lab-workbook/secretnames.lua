--- Which names say that what they name is a secret.
--
--    secretnames.isSecret('AWS_SECRET_ACCESS_KEY')   --> true
--    secretnames.isSecret('numTokens')               --> false
--
-- The lists are in spec/v1/spec.json, because the Python writer goes by the same.
--
-- @module lab-workbook.secretnames

require 'lab-workbook.interpreted'(true, true)

local spec = require 'lab-workbook.spec'

local secretnames = {}

-- Capitals and small letters by their bytes, because what %u and string.lower mean follows the locale.
local SMALL = {}
for byte = 65, 90 do SMALL[string.char(byte)] = string.char(byte + 32) end

local function endsWith(text, endings)
   for _, ending in ipairs(endings) do
      if text:sub(-#ending) == ending then return true end
   end
   return false
end

-- Returns the words of a name in small letters, between underscores: '_db_password_' of 'DBPassword'.
local function joined(name)
   local words = name:gsub('([a-z])([A-Z])', '%1_%2'):gsub('([A-Z])([A-Z][a-z])', '%1_%2')
   return (('_' .. words .. '_'):gsub('[^A-Za-z\128-\255]+', '_'):gsub('[A-Z]', SMALL))
end

--- Return a text with the capitals of ASCII made small.
-- @string text any
function secretnames.lower(text)
   return (text:gsub('[A-Z]', SMALL))
end

--- Say whether a name is one of a secret, in whichever way its words are put together.
-- @string name a key, an option, a variable
-- @treturn boolean
function secretnames.isSecret(name)
   if name == '' or #name > spec.SECRET_NAME_MAX then return false end
   local words = joined(name)
   for _, part in ipairs(spec.SECRET_ANYWHERE) do
      if words:find(part, 1, true) then return true end
   end
   return endsWith(words, spec.SECRET_ENDINGS) and not endsWith(words, spec.SECRET_INNOCENT)
end

return secretnames
