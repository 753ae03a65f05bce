--- A file that only grows, by whole pieces: the rows of a series, the lines of a queue.
--
-- Each piece is one system call, so it survives the death of this process once `append` has returned. When
-- the disk refuses a piece, what was written of it is blanked out and the next piece starts there, because
-- plain Lua cannot shorten a file: spaces after the last line feed are read by nobody. A file that was
-- removed or replaced is restored from the open handle.
--
-- @module lab-workbook.appendfile

local files = require 'lab-workbook.files'
local interpreted = require 'lab-workbook.interpreted'
local sizelimit = require 'lab-workbook.sizelimit'
local streams = require 'lab-workbook.streams'

local appendfile = {}

local AppendFile = {}
AppendFile.__index = AppendFile

-- Two files of one size differ in their last rows, for these hold the time.
local TAIL_BYTES = 256
local BLOCK_BYTES = 1024 * 1024

--- Return a file that grows.
-- @string path where
-- @func create makes the file with its first bytes; returns true, or nil and a message; tried again
-- before each piece until it has worked
function appendfile.new(path, create)
   local self = setmetatable({
      path = path, create = create, size = 0, ready = false,
      -- The rows of this file, and of earlier ones that are gone.
      rows = 0, lostRows = 0,
      -- Where the last whole row ended when the file was looked at.
      sizeSeen = 0,
   }, AppendFile)
   self:prepare()
   return self
end

-- Opens the file for writing at its end. Mode 'a' would not do: it can only write at the end, and never
-- blank.
local function open(self)
   streams.reserve()
   local handle, problem = io.open(self.path, 'r+b')
   if not handle then return nil, problem end
   -- With a buffer a row takes two system calls or three, and compiled LuaJIT does not see the refusal.
   handle:setvbuf('no')
   self.handle = handle
   return true
end

-- Returns where a torn piece starts in the bytes that follow the last known row. A forked child shares the
-- offset of the file, so whole rows of its own may precede the torn piece.
local function tornStart(bytes, piece)
   local start = 1
   while start do
      local length = #bytes - start + 1
      -- On a full disk the spaces over it may have been cut short themselves.
      local spaces = #bytes:match('^ *', start)
      if length < #piece and bytes:sub(start + spaces) == piece:sub(spaces + 1, length) then return start end
      local lineFeed = bytes:find('\n', start, true)
      start = lineFeed and lineFeed + 1
   end
   return #bytes + 1
end

-- Returns the end of the last whole row and the end of the file, or nil and a message.
-- @int last the end of the file, where that is known
local function ends(self, last)
   local problem
   if not last then last, problem = self.handle:seek('end') end
   if not last then return nil, problem end
   if last <= self.size or not (self.torn or self.hasBlanks) then return last, last end
   if not self.handle:seek('set', self.size) then return nil, 'seek failed' end
   local bytes
   bytes, problem = self.handle:read(last - self.size)
   if not bytes then return nil, problem or 'the file became shorter' end
   bytes = bytes:gsub(' +$', '')
   if self.torn then return self.size + tornStart(bytes, self.torn) - 1, last end
   return self.size + #bytes, last
end

-- Writes spaces over a torn piece, and seeks to the end of the last whole row.
local function blank(self)
   local whole, last = ends(self)
   if not whole then return nil, last end
   if last > whole then
      self.handle:seek('set', whole)
      local done, problem = self.handle:write((' '):rep(last - whole))
      if not done then return nil, problem end
      self.hasBlanks = true
   end
   self.torn = nil
   self.size = math.max(self.size, whole)
   return self.handle:seek('set', whole)
end

--- Make sure that the next piece follows a whole one.
-- @treturn ?boolean true, or nil and a message
function AppendFile:prepare()
   local done, problem
   if not self.isCreated then
      done, problem = self.create()
      if not done then return nil, problem end
      self.isCreated = true
   end
   -- A state that ends closes its files before it tells us.
   if io.type(self.handle) ~= 'file' then
      done, problem = open(self)
      if not done then return nil, problem end
      -- Only the first time do the bytes that are there count as whole.
      if self.size == 0 then
         self.size = self.handle:seek('end') or 0
         self.sizeSeen = self.size
      end
   end
   done, problem = blank(self)
   self.ready = done and true or false
   return self.ready or nil, problem
end

interpreted(AppendFile.prepare, true)

--- Append a piece.
-- @string piece bytes that end with a line feed
-- @int[opt=1] rows what it counts for
-- @treturn ?boolean true, or nil and a message: nothing of it is in the file
function AppendFile:append(piece, rows)
   if not self.ready then
      local ready, why = self:prepare()
      if not ready then return nil, why end
   end
   local size = self.size + #piece
   if size > sizelimit.bytes then return nil, sizelimit.PROBLEM end
   local done, problem = self.handle:write(piece)
   if done then
      self.size, self.rows = size, self.rows + (rows or 1)
      return true
   end
   self.ready, self.torn = false, piece
   self:prepare()
   return nil, problem
end

-- LuaJIT's compiled code repeats a write that was cut short, as a whole: the row after half of it.
interpreted(AppendFile.append, true)

-- Returns the last bytes of an open file of this size, or nil where it cannot be read now.
local function tailOf(handle, size)
   if not size or not handle:seek('set', math.max(0, size - TAIL_BYTES)) then return nil end
   local tail, problem = handle:read(TAIL_BYTES)
   if problem then return nil end
   return tail or ''
end

-- Returns whether the open file was truncated. Rows that were appended since are behind a hole, so the line
-- feed that ended the last row seen is a NUL then.
local function isCut(self, last)
   if self.sizeSeen == 0 or not last or not self.handle:seek('set', self.sizeSeen - 1) then return false end
   local byte, problem = self.handle:read(1)
   return last < self.size or (byte ~= '\n' and not problem)
end

-- Seeks to the end of the last whole row, which may be a forked child's; where that fails, the next piece
-- tries again.
-- @int last the end of the file, nil if that is not known
local function seekEnd(self, last)
   self.isCut = self.isCut or isCut(self, last)
   local whole = last and not self.torn and ends(self, last)
   if not whole or not self.handle:seek('set', whole) then
      self.ready = false
      return
   end
   self.size = math.max(self.size, whole)
end

--- Return whether the file that is open is the one at its path, as far as plain Lua can tell.
-- @string[opt] path another path
-- @treturn boolean
function AppendFile:isInPlace(path)
   if not self.isCreated then return true end
   local there, theirSize, code = files.openRegular(path or self.path)
   if not there then return not files.meansAbsent(code) end
   local same = true
   if io.type(self.handle) == 'file' then
      local size = self.handle:seek('end')
      local tail, theirTail = tailOf(self.handle, size), tailOf(there, theirSize)
      seekEnd(self, size)
      if not self.isCut then self.sizeSeen = self.size end
      same = not tail or not theirTail or size == theirSize and tail == theirTail
   end
   there:close()
   return same
end

interpreted(AppendFile.isInPlace, true)

-- Counts the rows at the start of an open file, the header included, up to a hole or the end; returns their
-- number and where they end.
local function wholeRows(handle)
   local rows, whole, position, isQuoted = 0, 0, 0, false
   handle:seek('set', 0)
   local block = handle:read(BLOCK_BYTES)
   while block do
      local hole = block:find('\0', 1, true)
      if hole then block = block:sub(1, hole - 1) end
      local from = 1
      while from <= #block do
         local quote = block:find('"', from, true)
         local last = (quote or #block + 1) - 1
         for lineFeed in (isQuoted and '' or block:sub(from, last)):gmatch('()\n') do
            rows, whole = rows + 1, position + from + lineFeed - 1
         end
         if quote then isQuoted = not isQuoted end
         from = last + (quote and 2 or 1)
      end
      position = position + #block
      block = not hole and handle:read(BLOCK_BYTES)
   end
   return rows, whole
end

--- Go on after a truncation: keep a copy of the rows before it, count the others, and create the next file.
-- Where it is `continue` that creates it, the copy is left behind, else later rows follow in the copy.
-- @func put as for `restore`
-- @treturn ?boolean true, or nil and a message
function AppendFile:beginAgain(put)
   local source, rows, whole = self.handle, 0, 0
   if not self.isKnown then rows, whole = wholeRows(source) end
   if whole > 0 then
      local done, problem = put(function(path)
         local copied, why = files.copyHandle(source, path, whole)
         return copied, why
      end)
      if not done then return nil, problem end
   end
   -- The header is not a row.
   local kept = math.min(self.rows, math.max(0, rows - 1))
   self.lostRows, self.rows = self.lostRows + self.rows - kept, kept
   self.isCut, self.ready, self.handle = nil, false, nil
   self.size, self.sizeSeen, self.torn, self.hasBlanks = 0, 0, nil, nil
   if whole == 0 or self.continue then self.isCreated = false end
   if self.continue then
      if whole == 0 then os.remove(self.path) end
      self:continue()
   end
   local done, problem = self:prepare()
   -- Only now, so that the next file has another inode, by which the uploader knows it.
   source:close()
   return done, problem
end

interpreted(AppendFile.beginAgain, true)

--- Put a copy into the place of the file, and append to the copy from now on. Where nothing can be read any
-- more, the rows are counted as lost, and the file is begun anew if `canBeginAnew`.
-- @func put given a function that writes the copy, puts it into place; returns true, or nil and a message
-- @treturn ?boolean true, or nil and a message
function AppendFile:restore(put)
   if io.type(self.handle) == 'file' then
      local isRead = true
      local done, problem = put(function(path)
         local copied, why
         copied, why, isRead = files.copyHandle(self.handle, path, self.size)
         return copied, why
      end)
      seekEnd(self, self.handle:seek('end'))
      if not done and isRead then return nil, problem end
      if done then
         self.handle:close()
         return self:prepare()
      end
   end
   self.lostRows, self.rows = self.lostRows + self.rows, 0
   return self:beginAnew()
end

interpreted(AppendFile.restore, true)

--- Begin the file anew, where that is possible; else nothing is appended to it any more.
-- @treturn ?boolean true, or nil and a message
function AppendFile:beginAnew()
   self.ready, self.size, self.isCreated = false, 0, false
   if self.canBeginAnew then return self:prepare() end
   self.create = function() return nil, 'the file was removed and cannot be read again' end
   return true
end

interpreted(AppendFile.beginAnew, true)

--- Let go of the file.
function AppendFile:close()
   if io.type(self.handle) == 'file' then self.handle:close() end
   self.ready = false
end

return appendfile
