--- Names of experiments.
-- A tag is a UTC minute and ten random characters: 201602122149-PMJ8a76csB. People copy tags into notebooks
-- by hand, so a tag is all that anyone needs to find a run again.
--
--    local tag = require 'lab-workbook.tag'
--    print(tag.new())
--
-- @module lab-workbook.tag

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'
local names = require 'lab-workbook.names'
local spec = require 'lab-workbook.spec'
local text = require 'lab-workbook.text'

local tag = {}

local ALPHABET = spec.TAG_ALPHABET
-- The largest multiple of 62 that fits a byte: bytes above it would make some characters likelier.
local UNBIASED = 256 - 256 % #ALPHABET

-- Returns so many bytes of the system's random source, or nil and a message.
local function randomBytes(count, source)
   local file, problem = io.open(source, 'rb')
   if not file then return nil, problem end
   -- A buffer would take 4096 bytes of everyone's randomness.
   file:setvbuf('no')
   local bytes = file:read(count)
   file:close()
   if not bytes or #bytes < count then return nil, source .. ' gave nothing' end
   return bytes
end

--- Return so many unbiased characters of 0-9A-Za-z from the system's random source.
-- Raises where there is none: math.random would give two jobs of one second the same tag, and belongs to
-- the program.
-- @int length how many
-- @string[opt='/dev/urandom'] source a file of random bytes
function tag.randomText(length, source)
   local characters = {}
   while #characters < length do
      local bytes, problem = randomBytes(2 * length, source or '/dev/urandom')
      if not bytes then errors.refuse('no tag can be made without a random source: ' .. problem) end
      for at = 1, #bytes do
         local value = bytes:byte(at)
         if value < UNBIASED and #characters < length then
            local index = value % #ALPHABET + 1
            characters[#characters + 1] = ALPHABET:sub(index, index)
         end
      end
   end
   return table.concat(characters)
end

--- Return a fresh tag.
-- @treturn string such as '201602122149-PMJ8a76csB'
function tag.new()
   return os.date('!' .. spec.TAG_TIME_FORMAT) .. '-' .. tag.randomText(spec.TAG_RANDOM_LENGTH)
end

--- Return a tag that the caller chose, if it is one valid part of a name; raises if not (rule tag.explicit).
-- @string value the tag
function tag.check(value)
   local why = names.fault(value)
   if why then
      errors.misuse('tag.explicit', ('the tag %s cannot be used: %s'):format(text.shown(value), why))
   end
   if value:find('/', 1, true) or #value > spec.TAG_MAX_BYTES then
      errors.misuse('tag.explicit', ("the tag %s must be one part, without '/', of at most %d bytes"):format(
         text.shown(value), spec.TAG_MAX_BYTES))
   end
   return value
end

return tag
