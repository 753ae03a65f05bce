--- Secrets stay out: what looks like one is replaced by `[redacted]`, and counted.
--
--    redaction.text('curl https://me:hunter2@example.org')   --> 'curl https://me:[redacted]@example.org', 1
--    redaction.arguments{'train.lua', '-apiKey', 'abc'}      --> {'train.lua', '-apiKey', '[redacted]'}, 1
--
-- It finds what the Python writer's module of this name finds: a value goes by its name and its own shape, a
-- text by all that stands in it. This is a net, and no proof.
--
-- @module lab-workbook.redaction

require 'lab-workbook.interpreted'(true, true)

local secretnames = require 'lab-workbook.secretnames'
local secrettexts = require 'lab-workbook.secrettexts'
local spec = require 'lab-workbook.spec'

local redaction = {}

local MARK = spec.SECRET_MARK

local CUTS = {secrettexts.cutKeys, secrettexts.cutUrls, secrettexts.cutShapes, secrettexts.cutNamed}

--- Return a text without the secrets in it.
-- @string text any
-- @treturn string
-- @treturn int how many were cut
function redaction.text(text)
   local count = 0
   -- What was cut may have stood between a name and its value; twice is enough, and no text may hang us.
   for _ = 1, spec.SECRET_ROUNDS do
      local found = 0
      for _, cut in ipairs(CUTS) do
         local number
         text, number = cut(text)
         found = found + number
      end
      count = count + found
      if found == 0 then break end
   end
   return text, count
end

-- Numbers that JSON has to write as texts are numbers all the same.
local NO_SECRETS = {[''] = true, [MARK] = true, [spec.JSON_NAN] = true, [spec.JSON_INFINITY] = true,
   [spec.JSON_NEGATIVE_INFINITY] = true}

--- Return a text that has a name, without the secrets in it.
-- @string text any
-- @bool isSecret whether its name says that it is one
-- @treturn string
-- @treturn int how many were cut
function redaction.leaf(text, isSecret)
   if not isSecret then
      -- Most texts are short words, and no secret is shorter.
      if #text <= 9 then return text, 0 end
      return redaction.text(text)
   end
   if NO_SECRETS[text] or not text:find('[^*]') or text:find('^%${.*}$') then return text, 0 end
   return MARK, 1
end

local HARMLESS = {[''] = true, ['true'] = true, ['false'] = true, ['True'] = true, ['False'] = true,
   ['null'] = true, ['None'] = true, ['none'] = true, ['nil'] = true, [MARK] = true}

--- Return a command line without the secrets in it.
-- @tparam {string} arguments its texts
-- @treturn {string} a new list
-- @treturn int how many were cut
function redaction.arguments(arguments)
   local kept, count, isNext = {}, 0, false
   for index, given in ipairs(arguments) do
      local argument = given
      local name, value = argument:match('^([^=]*)=?(.*)$')
      local hasValue = argument:find('=', 1, true) ~= nil
      local isOption = not name:find('[^0-9A-Za-z_./+~-]') and secretnames.isSecret(name)
      local found = 1
      if isNext and not argument:find('^%-') and not HARMLESS[argument] then
         argument = MARK
      elseif isOption and hasValue and not HARMLESS[value] then
         argument = name .. '=' .. MARK
      else
         argument, found = redaction.text(argument)
      end
      isNext = isOption and not hasValue and name:find('^%-') ~= nil
      kept[index], count = argument, count + found
   end
   return kept, count
end

--- Return what `json.encode` asks for the texts it writes: `under(key)` returns the same for what is below a
-- key, and `under(text, true)` the text without its secrets.
-- @tparam {string} allow keys below which all stays as it is
-- @func report called with the key of each text that was cut
function redaction.under(allow, report)
   local allowed = {}
   for _, key in ipairs(allow) do allowed[key] = true end
   local function level(name, isSecret)
      return function(text, isLeaf)
         if not isLeaf then
            if allowed[text] then return nil end
            return level(text, isSecret or secretnames.isSecret(text))
         end
         local kept, count = redaction.leaf(text, isSecret)
         for _ = 1, count do report(name) end
         return kept
      end
   end
   return level('', false)
end

return redaction
