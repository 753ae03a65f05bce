--- What the uploader says: one JSON object a line, `{"event": "claimed", ...}` (docs/spool.md).
-- @module lab-workbook.journal

require 'lab-workbook.interpreted'(true, true)

local files = require 'lab-workbook.files'

local journal = {}

local ESCAPES = {n = '\n', r = '\r', t = '\t', b = '\b', f = '\f'}

-- Returns the UTF-8 bytes of a character of the basic plane.
local function utf8(code)
   if code < 0x80 then return string.char(code) end
   if code < 0x800 then return string.char(0xC0 + math.floor(code / 64), 0x80 + code % 64) end
   return string.char(0xE0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

local function unescaped(spelled)
   return (spelled:gsub('\\u(%x%x%x%x)', function(digits)
      return utf8(tonumber(digits, 16))
   end):gsub('\\(.)', function(letter)
      return ESCAPES[letter] or letter
   end))
end

--- Return a text or a number from a line.
-- @string line one line of the journal
-- @string key the key
-- @treturn ?string nil where the line has no such key
function journal.field(line, key)
   local start = line:match('"' .. key .. '": *()')
   if not start then return nil end
   local number = line:match('^%-?%d+', start)
   if number then return number end
   -- A text ends at the first quote that no backslash hides.
   local position, open = start + 1, line:sub(start, start) == '"'
   while open do
      local at = line:find('["\\]', position)
      if not at then return nil end
      if line:sub(at, at) == '"' then return unescaped(line:sub(start + 1, at - 1)) end
      position = at + 2
   end
   return nil
end

--- Return the last line of a journal with one of these events.
-- @string path the journal
-- @string ... names of events
-- @treturn ?string nil where there is none
function journal.last(path, ...)
   local content, found = files.read(path) or '', nil
   for line in content:gmatch('([^\n]*)\n') do
      for _, event in ipairs{...} do
         if line:find(('"event": "%s"'):format(event), 1, true) then found = line end
      end
   end
   return found
end

return journal
