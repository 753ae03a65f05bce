--- A file that only grows, by whole pieces: the rows of a series, the lines of a queue.
--
-- Each piece is one system call, so it survives the death of this process once `append` has returned. When
-- the disk refuses a piece, what was written of it is blanked out and the next piece starts there, because
-- plain Lua cannot shorten a file: spaces after the last line feed are read by nobody.
--
-- @module lab-workbook.appendfile

local interpreted = require 'lab-workbook.interpreted'
local sizelimit = require 'lab-workbook.sizelimit'
local streams = require 'lab-workbook.streams'

local appendfile = {}

local AppendFile = {}
AppendFile.__index = AppendFile

--- Return a file that grows.
-- @string path where
-- @func create makes the file with its first bytes; returns true, or nil and a message; tried again
-- before each piece until it has worked
function appendfile.new(path, create)
   local self = setmetatable({path = path, create = create, size = 0, ready = false}, AppendFile)
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

-- Writes spaces over whatever follows the last whole piece, and returns to its end.
local function blank(self)
   local last, problem = self.handle:seek('end')
   if not last then return nil, problem end
   if last > self.size then
      self.handle:seek('set', self.size)
      local done
      done, problem = self.handle:write((' '):rep(last - self.size))
      if not done then return nil, problem end
      self.hasBlanks = true
   end
   return self.handle:seek('set', self.size)
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
      if self.size == 0 then self.size = self.handle:seek('end') or 0 end
   end
   done, problem = blank(self)
   self.ready = done and true or false
   return self.ready or nil, problem
end

interpreted(AppendFile.prepare, true)

--- Append a piece.
-- @string piece bytes that end with a line feed
-- @treturn ?boolean true, or nil and a message: nothing of it is in the file
function AppendFile:append(piece)
   if not self.ready then
      local ready, why = self:prepare()
      if not ready then return nil, why end
   end
   local size = self.size + #piece
   if size > sizelimit.bytes then return nil, sizelimit.PROBLEM end
   local done, problem = self.handle:write(piece)
   if done then
      self.size = size
      return true
   end
   self.ready = false
   self:prepare()
   return nil, problem
end

-- LuaJIT's compiled code repeats a write that was cut short, as a whole: the row after half of it.
interpreted(AppendFile.append, true)

--- Let go of the file.
-- @treturn boolean whether blanks follow its last whole piece
function AppendFile:close()
   if io.type(self.handle) == 'file' then self.handle:close() end
   self.ready = false
   return self.hasBlanks or false
end

return appendfile
