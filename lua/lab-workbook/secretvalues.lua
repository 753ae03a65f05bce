--- Values beside a secret's name: which of them could be a secret.
--
--    secretvalues.couldBeSecret('apiKey', 'hunter2')   --> true
--    secretvalues.looksRandom('ses-01')                --> false
--
-- The module `secret_values` of the Python writer counts the same, in integers and on ASCII characters.
--
-- @module lab-workbook.secretvalues

require 'lab-workbook.interpreted'(true, true)

local secretnames = require 'lab-workbook.secretnames'
local spec = require 'lab-workbook.spec'

local secretvalues = {}

local HARMLESS, SCHEMES = {}, {}
for _, word in ipairs(spec.SECRET_HARMLESS) do HARMLESS[word] = true end
for _, word in ipairs(spec.SECRET_SCHEMES) do SCHEMES[word] = true end

local SHORTEST = 3

-- What a person reads has words; a password of several words has none of these.
local TOPICS = {'pass', 'key', 'token', 'secret', 'login', 'auth'}

--- Return the value of a header without 'Bearer ' and the like.
-- @string value any
function secretvalues.withoutScheme(value)
   local scheme, rest = value:match('^([^ ]*) (.*)$')
   return scheme and SCHEMES[scheme] and rest or value
end

--- Return whether a program or a person puts the secret there later, or it was redacted before.
-- @string value any
function secretvalues.isPlaceholder(value)
   return value == '' or value:find(spec.SECRET_MARK, 1, true) ~= nil or value:find('^[{$%%<*]') ~= nil
      or value:find('...', 1, true) ~= nil or value:find('${', 1, true) ~= nil
      or secretnames.lower(value:sub(1, 4)) == 'your' or value:sub(1, 4) == 'env:'
      or not value:find('[^*xX._-]')
end

local function isHex(value)
   local isOneCase = not value:find('[^0-9a-f]') or not value:find('[^0-9A-F]')
   return #value >= 32 and isOneCase and value:find('[0-9]') ~= nil and value:find('[A-Fa-f]') ~= nil
end

local function changes(value, pattern)
   local count, at = 0, value:find(pattern)
   while at do
      count, at = count + 1, value:find(pattern, at + 1)
   end
   return count
end

--- Return whether a value looks drawn by a program: kinds of characters change often in it.
-- @string value any
function secretvalues.looksRandom(value)
   if #value < 12 or #value > spec.SECRET_VALUE_MAX or value:find('[^0-9A-Za-z+/=_.~-]') then return false end
   if isHex((value:gsub('-', ''))) then return true end
   local count = changes(value, '[A-Za-z][0-9]') + changes(value, '[0-9][A-Za-z]')
      + changes(value, '[a-z][A-Z]')
   return count * 4 >= #value
end

--- Return whether a value looks like a password and not like a word or a name of a program.
-- @string value any
function secretvalues.looksMadeUp(value)
   if #value < 6 or #value > spec.SECRET_VALUE_MAX or not value:find('[A-Za-z]') then return false end
   if not value:find('[^0-9A-Za-z_.]') and value:find('[_.]') then
      return secretvalues.looksRandom(value) and not value:find('.', 1, true)
   end
   return value:find('[0-9!#%%&+^~@]') ~= nil
end

-- Returns whether a value is the name of a variable that holds the secret, or repeats its own name.
local function isReference(name, value)
   if value:find('_', 1, true) and not value:find('[^A-Z0-9_]') then
      return secretnames.strength(value) == secretnames.STRONG
   end
   if value:find('[^A-Za-z _-]') then return false end
   local words = secretnames.words(value)
   return secretnames.words(name):sub(-#words) == words and secretnames.isSecret(value)
end

local function isSentence(value)
   if not value:find(' ', 1, true) or value:find('[0-9]') then return false end
   if value:find('^[A-Z]') then return true end
   local lower = secretnames.lower(value)
   for _, topic in ipairs(TOPICS) do
      if lower:find(topic, 1, true) then return true end
   end
   return false
end

local function isPath(value)
   local isStart = value:find('^~/') or value:find('^%.%.?/') or value:find('^/.*[/.]')
   return isStart ~= nil and not secretvalues.looksRandom(value)
end

--- Return whether a value could be the secret that its name announces.
-- It is not one or two characters, a word such as 'none', a placeholder, a label, a sentence, a path or the
-- name of a variable.
-- @string name a key, an option, a variable
-- @string given its value
function secretvalues.couldBeSecret(name, given)
   local value = secretvalues.withoutScheme((given:gsub('^[ \t\r\n]+', ''):gsub('[ \t\r\n]+$', '')))
   return not (#value < SHORTEST or secretvalues.isPlaceholder(value) or HARMLESS[secretnames.lower(value)]
      or isReference(name, value) or isSentence(value) or isPath(value))
end

return secretvalues
