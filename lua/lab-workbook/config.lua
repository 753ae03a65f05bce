--- Settings: argument, else environment, else ~/.lab-workbook-config, else the default.
--
-- The file is read alike by both languages:
--
--    # where experiments go
--    bucketPrefix = s3://my-bucket/experiments/
--
-- Keys are spelled in camelCase there and in Lua, and in capitals in the environment:
-- LAB_WORKBOOK_BUCKET_PREFIX.
--
-- @module lab-workbook.config

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'
local numbers = require 'lab-workbook.numbers'
local prefix = require 'lab-workbook.prefix'
local process = require 'lab-workbook.process'
local secretpatterns = require 'lab-workbook.secretpatterns'
local spec = require 'lab-workbook.spec'
local text = require 'lab-workbook.text'

local config = {}

local BYTE_ORDER_MARK = '\239\187\191'

-- Storage classes are not among them: servers other than AWS have their own.
local CHOICES = {
   uploader = spec.CONFIG_UPLOADERS,
   addressingStyle = spec.CONFIG_ADDRESSING_STYLES,
   serverSideEncryption = spec.CONFIG_ENCRYPTIONS,
   acl = spec.CONFIG_ACLS,
}
local PLAIN_ENCRYPTION = 'AES256'

local warned = {}

--- Return the names of all settings, sorted.
function config.keys()
   local keys = {}
   for key in pairs(spec.CONFIG_DEFAULTS) do keys[#keys + 1] = key end
   table.sort(keys, text.before)
   return keys
end

--- Return the variable of a setting: 'bucketPrefix' gives 'LAB_WORKBOOK_BUCKET_PREFIX'.
-- @string key the setting
function config.variable(key)
   local snake = key:gsub('[A-Z]', function(capital) return '_' .. capital end)
   return spec.CONFIG_ENVIRONMENT_PREFIX .. snake:gsub('[a-z]', function(small)
      return string.char(small:byte() - 32)
   end)
end

local function stripped(value, class)
   return (value:gsub('^' .. class .. '+', ''):gsub(class .. '+$', ''))
end

-- Returns the key and the value of a line, or nil and why it is none.
local function assignment(line, values)
   local key, value = line:match('^([^=]*)=(.*)$')
   key, value = stripped(key or '', '[ \t]'), stripped(value or '', '[ \t]')
   if not key:find('^[A-Za-z][A-Za-z0-9]*$') then
      return nil, " is not `key = value`; there are no sections and no ':'"
   end
   if value:find('^[\'"]') then return nil, ': write the value without quotes' end
   if values[key] then return nil, (': %s is set a second time; delete one of the lines'):format(key) end
   return key, value
end

--- Read the lines of a configuration (rule config.grammar).
-- @string content the text of the file
-- @string origin its name for messages
-- @treturn ?table values by key; or nil and a message that names the line
function config.parse(content, origin)
   if content:sub(1, #BYTE_ORDER_MARK) == BYTE_ORDER_MARK then content = content:sub(#BYTE_ORDER_MARK + 1) end
   local values, number = {}, 0
   for raw in (content .. '\n'):gmatch('([^\n]*)\n') do
      local line = stripped(raw, '[ \t\r]')
      number = number + 1
      if line ~= '' and not line:find('^[#;]') then
         local key, value = assignment(line, values)
         if not key then
            local where = ('%s, line %d: %s'):format(origin, number, text.shown(line))
            return nil, where .. value .. ' (rule config.grammar)'
         end
         values[key] = value
      end
   end
   return values
end

-- What io.open returns where a file does not exist, and where a part of its path is not a folder.
local NO_FILE, NO_FOLDER = 2, 20

local function warnOnce(about, message)
   if warned[about] then return end
   warned[about] = true
   errors.warn(message)
end

-- Returns whether the file is what cannot be read, and not the folder that it is in: only a file gives
-- NO_FOLDER where something is looked for below it.
local function isFile(path)
   local _, _, code = io.open(path .. '/.', 'rb')
   return code == NO_FOLDER
end

-- Returns the settings of the user's file; none where there is none.
local function fromFile()
   local home = os.getenv('HOME') or ''
   if home:sub(1, 1) ~= '/' then return {} end
   local path = home .. spec.CONFIG_FILE:gsub('^~', '')
   local file, problem, code = io.open(path, 'rb')
   if not file and (code == NO_FILE or code == NO_FOLDER) then return {} end
   if not file and not isFile(path) then
      -- A container often has the home directory of a user that it does not run as.
      warnOnce(home, ('HOME = %s cannot be entered, so it is not read: %s'):format(home, problem))
      return {}
   end
   local content = file and file:read('*a')
   if file then file:close() end
   if not content or not text.isUtf8(content) then
      errors.refuse(('%s cannot be read: %s'):format(path, problem or 'it is not a text in UTF-8'))
   end
   local values, message = config.parse(content, path)
   if not values then errors.refuse(message) end
   for key in pairs(values) do
      if spec.CONFIG_DEFAULTS[key] == nil then
         warnOnce(key, ('%s: unknown key %s sets nothing (known: %s)'):format(path, text.shown(key),
            table.concat(config.keys(), ', ')))
      end
   end
   return values
end

local function amount(name, value, unit, limit)
   local number = type(value) == 'number' and value or type(value) == 'string' and numbers.read(value)
   if not number or not (number >= 0 and number < limit) then
      errors.refuse(('%s = %s: it must be a number of %s, 0 or more'):format(name, text.shown(value), unit))
   end
   return number
end

local function oneOf(name, value, known)
   for _, one in ipairs(known) do
      if value == one then return value end
   end
   errors.refuse(('%s = %s: it is one of %s'):format(name, text.shown(value), table.concat(known, ', ')))
end

-- Returns a folder as an absolute path; false for a default in a home directory that does not exist.
local function folder(key, name, value)
   local home = (value == '~' or value:sub(1, 2) == '~/') and process.home()
   local path, why = home and home .. value:sub(2), nil
   if not path then path, why = prefix.expanded(value) end
   if not path and value == spec.CONFIG_DEFAULTS[key] then return false end
   if path then path, why = prefix.absolute(path) end
   if not path then errors.refuse(('%s = %s: %s'):format(name, text.shown(value), why)) end
   return path:sub(-1) == '/' and path or path .. '/'
end

-- The variables that name where the system wants some folders.
local HOMES = {spoolDir = spec.CONFIG_STATE_HOME, cacheDir = spec.CONFIG_CACHE_HOME}

-- Returns the folder of a setting in the place that the system names, if it names one.
local function systemFolder(key)
   local home = HOMES[key] and os.getenv(HOMES[key]) or ''
   -- One that is not absolute is to be ignored: https://specifications.freedesktop.org/basedir-spec/.
   return home:sub(1, 1) == '/' and ('%s/%s'):format(home, spec.PROTOCOL_NAME) or nil
end

local function place(value)
   local parsed, message = prefix.parse(value)
   return parsed or errors.refuse(message)
end

-- Returns the value of a setting, or raises where it cannot be used.
local function checked(key, name, value)
   if key == 'cacheBytes' then return amount(name, value, 'bytes', 2^63) end
   if type(spec.CONFIG_DEFAULTS[key]) == 'number' then return amount(name, value, 'seconds', 1e9) end
   if type(value) ~= 'string' then
      errors.refuse(('%s = %s: it must be a text'):format(name, tostring(value)))
   end
   if key == 'bucketPrefix' then return place(value) end
   if value == '' then
      errors.refuse(("%s = '': it must not be empty; leave it out for the default"):format(name))
   end
   if key == 'spoolDir' or key == 'cacheDir' then return folder(key, name, value) end
   if key == 'redact' then
      local made, why = secretpatterns.parse(value)
      if not made then
         errors.refuse(('%s = %s: %s; docs/secrets.md has the signs that are known'):format(name,
            text.shown(value), why))
      end
   end
   if CHOICES[key] then return oneOf(name, value, CHOICES[key]) end
   return value
end

local function checkEncryption(found)
   if found.kmsKeyId and found.serverSideEncryption == PLAIN_ENCRYPTION then
      errors.refuse(('kmsKeyId = %s: serverSideEncryption = %s uses no key of KMS; leave one of them out')
         :format(text.shown(found.kmsKeyId), PLAIN_ENCRYPTION))
   end
end

--- Gather the settings. Raises for one that cannot be used; the message says where it was set.
-- @table given the arguments
-- @treturn table every setting; times in seconds, `bucketPrefix` a parsed prefix, and false for a folder
-- whose default needs a home directory where there is none
function config.load(given)
   local file, found = fromFile(), {}
   for key, default in pairs(spec.CONFIG_DEFAULTS) do
      local variable = config.variable(key)
      local sources = {
         {key, given[key]}, {variable, os.getenv(variable)}, {key, file[key]},
         {HOMES[key], systemFolder(key)}, {key, default},
      }
      for _, source in ipairs(sources) do
         local name, value, isArgument = source[1], source[2], source == sources[1]
         -- An empty argument is a mistake of the script, which a default would hide.
         if value ~= nil and (value ~= '' or isArgument) and found[key] == nil then
            -- The spec says false where a setting has no default.
            found[key] = value ~= false and checked(key, name, value)
         end
      end
   end
   checkEncryption(found)
   return found
end

--- Say whether LAB_WORKBOOK_DISABLED=1 makes every verb a no-op.
function config.isDisabled()
   local value = os.getenv(spec.CONFIG_DISABLED) or ''
   return value ~= '' and value ~= '0'
end

return config
