--- Redaction: the one gate for every text that is stored and is not the user's own artifact.
--
--    redaction.text('curl https://me:hunter2@example.org')   --> 'curl https://me:[redacted]@example.org', 1
--    redaction.arguments{'train.lua', '-apiKey', 'abc'}      --> {'train.lua', '-apiKey', '[redacted]'}, 1
--
-- The Python writer's module of this name redacts the same: a value by its name and its own shape, a text by
-- both. This is a net, not a proof.
--
-- @module lab-workbook.redaction

require 'lab-workbook.interpreted'(true, true)

local secretassignments = require 'lab-workbook.secretassignments'
local secretnames = require 'lab-workbook.secretnames'
local secretpatterns = require 'lab-workbook.secretpatterns'
local secrettexts = require 'lab-workbook.secrettexts'
local secretvalues = require 'lab-workbook.secretvalues'
local spec = require 'lab-workbook.spec'

local redaction = {}

local MARK = spec.SECRET_MARK

local CUTS = {secrettexts.cutKeys, secrettexts.cutUrls, secrettexts.cutShapes, secretassignments.cutNamed}

-- No secret is shorter, with a name beside it or a shape of its own.
local SHORT = 9

-- The patterns of the configuration, and what they were made of. They count for the whole process, also after
-- another experiment began without them: too many secrets redacted are better than one too few.
local own, settings = {}, {}

--- Redact what matches the setting `redact` from now on, in the whole process.
-- @param redact a pattern of lab-workbook.secretpatterns that config has checked, or nil or false
function redaction.addPatterns(redact)
   if not redact or settings[redact] then return end
   settings[redact] = true
   for _, pattern in ipairs(secretpatterns.parse(redact)) do own[#own + 1] = pattern end
end

--- Return all that was given to `addPatterns`, as one setting; an empty text for none.
function redaction.setting()
   local all = {}
   for redact in pairs(settings) do all[#all + 1] = redact end
   table.sort(all)
   return table.concat(all, '|')
end

--- Return a text without its secrets.
-- @string text any
-- @treturn string
-- @treturn int how many were redacted
function redaction.text(text)
   local count = 0
   -- What was redacted may have been between a name and its value. The number of rounds is limited, so that
   -- no
   -- text hangs us.
   for _ = 1, spec.SECRET_ROUNDS do
      local found = 0
      local function add(kept, number)
         text, found = kept, found + number
      end
      for _, cut in ipairs(CUTS) do add(cut(text)) end
      for _, pattern in ipairs(own) do add(text:gsub(pattern, MARK)) end
      count = count + found
      if found == 0 then break end
   end
   return text, count
end

local function isSecret(name, value)
   local strength = secretnames.strength(name)
   if strength == secretnames.STRONG then return secretvalues.couldBeSecret(name, value) end
   return strength == secretnames.WEAK and secretvalues.looksRandom(value)
end

-- Numbers that JSON has to write as texts are numbers all the same.
local NUMBERS = {[spec.JSON_NAN] = true, [spec.JSON_INFINITY] = true, [spec.JSON_NEGATIVE_INFINITY] = true}

--- Return the text that a name belongs to without its secrets.
-- @string name a key, a field, a variable
-- @string text any
-- @treturn string
-- @treturn int how many were redacted
function redaction.cell(name, text)
   local isValue = not NUMBERS[text] and not secretvalues.isPlaceholder(text)
   if isValue and isSecret(name, text) then return MARK, 1 end
   if #text <= SHORT then return text, 0 end
   return redaction.text(text)
end

--- Return keys, or names of fields, without the secrets in them, still distinct.
-- @tparam {string} keys a list
-- @treturn {string} a new list
-- @treturn int how many were redacted
function redaction.keys(keys)
   local shown, counts, used, total = {}, {}, {}, 0
   for index, key in ipairs(keys) do
      shown[index], counts[index] = key, 0
      if #key > SHORT then shown[index], counts[index] = redaction.text(key) end
      if counts[index] == 0 then used[key] = true end
      total = total + counts[index]
   end
   local numbers = {}
   for index, key in ipairs(shown) do
      local name = key
      while counts[index] > 0 and used[name] do
         numbers[key] = (numbers[key] or 1) + 1
         name = ('%s-%d'):format(key, numbers[key])
      end
      used[name], shown[index] = true, name
   end
   return shown, total
end

--- Return a command line without its secrets.
-- @tparam {string} arguments its texts
-- @treturn {string} a new list
-- @treturn int how many were redacted
function redaction.arguments(arguments)
   local kept, count, option = {}, 0, nil
   for index, given in ipairs(arguments) do
      local argument = given
      local name, value = argument:match('^([^=]*)=?(.*)$')
      local hasValue = argument:find('=', 1, true) ~= nil
      local isOption = not name:find('[^0-9A-Za-z_./+~-]') and secretnames.isSecret(name)
      local found = 1
      if option and not argument:find('^%-') and isSecret(option, argument) then
         argument = MARK
      elseif isOption and hasValue and isSecret(name, value) then
         argument = name .. '=' .. MARK
      else
         argument, found = redaction.text(argument)
      end
      option = isOption and not hasValue and name:find('^%-') and name
      kept[index], count = argument, count + found
   end
   return kept, count
end

local function stronger(above, key)
   return secretnames.strength(key) > secretnames.strength(above) and key or above
end

--- Return what `json.encode` asks for the texts it writes: `keys(list)` returns a table from each key to that
-- key without secrets, `text(value)` does so for a text, and `below(key)` returns all three for what is
-- below a key.
-- @tparam {string} allow keys below which all stays as it is
-- @func report called with the key of each text that was redacted
function redaction.under(allow, report)
   local allowed = {}
   for _, key in ipairs(allow) do allowed[key] = true end
   local function keys(names)
      local wanted, shown = {}, {}
      for _, name in ipairs(names) do
         if not allowed[name] then wanted[#wanted + 1] = name end
         shown[name] = name
      end
      local redacted, count = redaction.keys(wanted)
      for index, name in ipairs(wanted) do shown[name] = redacted[index] end
      for _ = 1, count do report('') end
      return shown
   end
   local function level(name, secret)
      return {
         keys = keys,
         below = function(key)
            return not allowed[key] and level(key, stronger(secret, key)) or nil
         end,
         text = function(text)
            local kept, count = redaction.cell(secret, text)
            for _ = 1, count do report(name) end
            return kept
         end,
      }
   end
   return level('', '')
end

return redaction
