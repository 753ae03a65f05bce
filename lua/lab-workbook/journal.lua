--- What the uploader says: one JSON object a line, `{"event": "claimed", ...}` (docs/spool.md).
-- @module lab-workbook.journal

require 'lab-workbook.interpreted'(true, true)

local files = require 'lab-workbook.files'
local streams = require 'lab-workbook.streams'

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

local Journal = {}
Journal.__index = Journal

-- Opens a file without a buffer: the uploader rewrites the journal in place when it compacts it, and a seek
-- within a buffer would give what was there before.
local function openUnbuffered(path, mode)
   local file = io.open(path, mode)
   if file then file:setvbuf('no') end
   return file
end

--- Return the journal of a spool, kept open so that its removal hides nothing. It is made if it is not there.
--
-- When the spool is removed, a copy is put back at once for whoever delivers the spool next. The uploader
-- writes on into the file without a name until it leaves, so the copy is completed when the next one starts.
--
-- @string path the journal
function journal.open(path)
   -- No rows are in it; see `restorer`.
   local self = setmetatable({path = path, rows = 0, lostRows = 0, known = {}}, Journal)
   streams.reserve()
   self.handle = openUnbuffered(path, 'a+b')
   return self
end

-- Returns the open file; a state that ends has closed it, and then the one at the path.
local function handle(self)
   if io.type(self.handle) ~= 'file' then self.handle = openUnbuffered(self.path, 'rb') end
   return self.handle
end

--- Return what was written from a position on.
-- @int position how many bytes to leave out
-- @treturn string
function Journal:from(position)
   local file = handle(self)
   if not file or not file:seek('set', position) then return '' end
   return file:read('*a') or ''
end

--- Return the first line, which changes when the uploader has compacted the journal, and where what a
-- writer has to read begins then; nil while there is none.
-- @treturn ?string
-- @treturn int a position
function Journal:head()
   local file = handle(self)
   if not file or not file:seek('set', 0) then return nil, 0 end
   local line = file:read('*l')
   -- The beginning of a line is there, but not its line feed.
   if not line or file:seek('cur') == #line then return nil, 0 end
   return line, tonumber(line:match('"memory": *(%d+)')) or 0
end

--- Return the last line with one of these events.
-- @string ... names of events
-- @treturn ?string nil where there is none
function Journal:last(...)
   local _, start = self:head()
   local found
   for line in self:from(start):gmatch('([^\n]*)\n') do
      for _, event in ipairs{...} do
         if line:find(('"event": "%s"'):format(event), 1, true) then found = line end
      end
   end
   return found
end

-- Returns how many bytes the open file has, or nil.
local function size(self)
   return io.type(self.handle) == 'file' and self.handle:seek('end') or nil
end

-- Says whether the open file is the one at its path. It may grow between two looks.
local function hasSizeOfPath(self)
   local least = size(self)
   local there, _, code = io.open(self.path, 'rb')
   if not there then return not files.meansAbsent(code) end
   local found = there:seek('end')
   there:close()
   return not least or (least <= found and found <= size(self))
end

-- Says the same; between two looks it may also be compacted, which hardly happens twice.
local function isOpenInPlace(self)
   return hasSizeOfPath(self) or hasSizeOfPath(self)
end

--- Return whether the journal, or the copy that was put back, is at its path.
-- @treturn boolean
function Journal:isInPlace()
   if self.copied and files.size(self.path) == self.copied then return true end
   return isOpenInPlace(self)
end

-- Writes all that is known: the events or, where they cannot be read any more, that the tag is ours.
local function copy(self, path)
   local bytes = size(self)
   if bytes then return files.copyHandle(self.handle, path, bytes) end
   return files.write(path, self.isClaimed and '{"event": "claimed"}\n' or '')
end

--- Put a copy back.
-- @func put given a function that writes the copy, puts it into place; returns true, or nil and a message
-- @treturn ?boolean true, or nil and a message
function Journal:restore(put)
   local done, problem = put(function(path) return copy(self, path) end)
   if done then self.copied = files.size(self.path) end
   return done, problem
end

--- Make sure that the next uploader finds all that is known; the last one has left.
-- @func put as for `restore`
-- @treturn ?boolean true, or nil and a message
function Journal:complete(put)
   if not self.copied and isOpenInPlace(self) then return true end
   local done, problem = self:restore(put)
   if not done then return nil, problem end
   self:close()
   streams.reserve()
   self.handle, self.copied = openUnbuffered(self.path, 'rb'), nil
   return true
end

--- Let go of the file.
function Journal:close()
   if io.type(self.handle) == 'file' then self.handle:close() end
end

return journal
