--- Names of artifacts.
-- A name becomes an object key in S3 and a path in a folder, on any system, so it is checked once, when it
-- is written.
--
--    local names = require 'lab-workbook.names'
--    names.check('train/loss.csv')      --> 'train/loss.csv'
--    names.check('../loss.csv')         --> raises, with the rule name.parts
--
-- @module lab-workbook.names

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'
local spec = require 'lab-workbook.spec'
local text = require 'lab-workbook.text'

local names = {}

-- ASCII only: file systems disagree about every other alphabet, and lower() follows the locale.
local function folded(name)
   return (name:gsub('[A-Z]', function(capital) return string.char(capital:byte() + 32) end))
end

-- Returns whether a test holds for one of the parts between slashes.
local function anyPart(name, holds)
   for part in (name .. '/'):gmatch('([^/]*)/') do
      if holds(part) then return true end
   end
   return false
end

local function badPart(part) return part == '' or part == '.' or part == '..' end
local function badEdge(part) return part:find('^ ') or part:find(' $') or part:find('%.$') end
local function longPart(part) return #part > spec.NAME_PART_MAX_BYTES end

-- C0, DEL and C1 (which UTF-8 spells C2 80 to C2 9F) control characters, and the other system's separator.
local function forbidden(name)
   return name:find('[%z\1-\31\127\\]') or name:find('\194[\128-\159]')
end

-- The first that is broken is reported, so the order is part of the behaviour.
local RULES = {
   {'name.utf8', function(name) return not text.isUtf8(name) end, 'it is not valid UTF-8'},
   {'name.parts', function(name) return anyPart(name, badPart) end,
    "the parts between slashes must not be empty, '.' or '..'"},
   {'name.characters', forbidden, 'control characters and backslashes are not allowed'},
   {'name.edges', function(name) return anyPart(name, badEdge) end,
    'a part must not begin or end with a space, nor end with a dot'},
   {'name.length', function(name) return #name > spec.NAME_MAX_BYTES or anyPart(name, longPart) end,
    ('at most %d bytes a part and %d in all'):format(spec.NAME_PART_MAX_BYTES, spec.NAME_MAX_BYTES)},
   {'name.reserved', function(name) return folded(name:match('^[^/]*')) == spec.LAYOUT_RESERVED end,
    spec.LAYOUT_RESERVED .. "/ is the protocol's own folder"},
}

--- Say what is wrong with a name.
-- @param name anything
-- @treturn ?string nil for a good name, else the message
-- @treturn ?string the id of the broken rule
function names.fault(name)
   if type(name) ~= 'string' then
      return ('a name is a text, not %s: %s'):format(type(name), tostring(name)), 'name.utf8'
   end
   for _, rule in ipairs(RULES) do
      if rule[2](name) then return ('%s cannot be a name: %s'):format(text.shown(name), rule[3]), rule[1] end
   end
   return nil
end

--- Return the name of an artifact, or raise the rule that it breaks.
-- @string name the name
function names.check(name)
   local why, rule = names.fault(name)
   if why then errors.misuse(rule, why) end
   return name
end

--- Return the name of an artifact with the suffix of its kind, or raise the rule that the whole breaks.
-- @string name as the caller gave it
-- @string suffix such as '.json'
function names.suffixed(name, suffix)
   return names.check(type(name) == 'string' and name .. suffix or name)
end

local Register = {}
Register.__index = Register

--- Return a register of the names of one experiment, which must not collide on any file system.
function names.register()
   return setmetatable({names = {}, folders = {}}, Register)
end

-- Calls visit with each folder that a name lies in: 'a' and 'a/b' for 'a/b/c'.
local function eachFolder(key, visit)
   for stop in key:gmatch('()/') do visit(key:sub(1, stop - 1)) end
end

--- Take a name into use; the same name may be added again. Raises if it collides (rule name.unique).
-- @string name a checked name
function Register:add(name)
   local key = folded(name)
   local other = self.names[key]
   if other and other ~= name then
      errors.misuse('name.unique', ('%s and %s differ only in letter case: rename one'):format(
         text.shown(name), text.shown(other)))
   end
   local inside = self.folders[key]
   eachFolder(key, function(folder) inside = inside or self.names[folder] end)
   if inside then
      errors.misuse('name.unique', ('%s and %s: one would be a folder of the other: rename one'):format(
         text.shown(name), text.shown(inside)))
   end
   self.names[key] = name
   eachFolder(key, function(folder) self.folders[folder] = self.folders[folder] or name end)
end

--- Return all names in use, sorted by their bytes.
-- @treturn {string}
function Register:list()
   local list = {}
   for _, name in pairs(self.names) do list[#list + 1] = name end
   table.sort(list, text.before)
   return list
end

return names
