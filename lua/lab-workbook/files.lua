--- Files as the protocol wants them: written whole beside their place, then renamed into it.
--
-- Functions return true, or nil and a message, because a full disk must not stop a training run.
--
-- @module lab-workbook.files

require 'lab-workbook.interpreted'(true, true)

local shell = require 'lab-workbook.shell'
local sizelimit = require 'lab-workbook.sizelimit'

local files = {}

local BLOCK = 1024 * 1024

--- Write a new file.
-- @string path where
-- @string data all its bytes
function files.write(path, data)
   if #data > sizelimit.bytes then return nil, sizelimit.PROBLEM end
   local file, problem = io.open(path, 'wb')
   if not file then return nil, problem end
   -- Without a buffer each fault shows here and not when a collector closes the file.
   file:setvbuf('no')
   local written
   written, problem = file:write(data)
   local closed, late = file:close()
   if written and closed then return true end
   os.remove(path)
   return nil, problem or late
end

--- Return the bytes of a file, or nil and a message.
-- @string path where
function files.read(path)
   local file, problem = io.open(path, 'rb')
   if not file then return nil, problem end
   local data
   data, problem = file:read('*a')
   file:close()
   return data, problem
end

-- Lets a large file share its blocks with a copy, where the file system can; returns whether it could copy.
local function clone(source, target)
   local size = files.size(source)
   -- A process costs as much as a megabyte.
   if not size or size < BLOCK then return false end
   return shell.run(shell.command('cp --reflink=auto -- %s %s 2>/dev/null', source, target)) == 0
end

--- Copy a file. Never a link: the program may write on into its own file.
-- @string source the file
-- @string target the copy
function files.copy(source, target)
   if (files.size(source) or 0) > sizelimit.bytes then return nil, sizelimit.PROBLEM end
   if clone(source, target) then return true end
   local from, problem = io.open(source, 'rb')
   if not from then return nil, problem end
   local to
   to, problem = io.open(target, 'wb')
   if not to then from:close() return nil, problem end
   to:setvbuf('no')
   local done = true
   repeat
      local block
      block, problem = from:read(BLOCK)
      if block then done, problem = to:write(block) end
   until not block or not done
   from:close()
   to:close()
   -- At the end of a file read gives nil and no message; a folder gives nil and one.
   if done and not problem then return true end
   os.remove(target)
   return nil, problem
end

-- A rename must take all of the file: no link to it, and none of its other names.
local MOVE = '[ -f %s ] && [ ! -L %s ] && [ "$(stat -c %h -- %s 2>/dev/null)" = 1 ]'
   .. ' && mv -- %s %s 2>/dev/null'

--- Give a file away: rename it, where that takes all of it and where both are on one file system.
-- @string source the file
-- @string target its new name
-- @treturn boolean whether it has moved
function files.move(source, target)
   local command = shell.command(MOVE, source, source, source, source, target)
   -- Where the answer of the command is lost, the file may have moved all the same.
   return shell.run(command) == 0 or (files.isAbsent(source) and not files.isAbsent(target))
end

--- Copy the beginning of an open file.
-- @param from a handle, which is left at any position
-- @string target the copy
-- @int size how many bytes
-- @treturn ?boolean true, or nil and a message
-- @treturn ?string the message
-- @treturn boolean whether the file could be read
function files.copyHandle(from, target, size)
   local to, problem = io.open(target, 'wb')
   if not to then return nil, problem, true end
   to:setvbuf('no')
   from:seek('set', 0)
   local done, isRead = true, true
   while size > 0 and done and isRead do
      local block
      block, problem = from:read(math.min(size, BLOCK))
      isRead = block ~= nil
      if block then
         done, problem = to:write(block)
         size = size - #block
      end
   end
   to:close()
   if done and isRead then return true, nil, true end
   os.remove(target)
   return nil, problem or 'the file is shorter than what was written', isRead
end

-- EPERM, EACCES and EROFS: it may still be read.
local READ_ONLY = {[1] = true, [13] = true, [30] = true}

--- Open a regular file for reading. A FIFO in its place does not block: it is opened for writing, too.
-- @string path where
-- @return a handle without a buffer and the size; or nil, a message and a code. What is there and is not a
-- regular file gets the code of a missing one.
function files.openRegular(path)
   local file, problem, code = io.open(path, 'r+b')
   if not file and READ_ONLY[code] then file, problem, code = io.open(path, 'rb') end
   if not file then return nil, problem, code == 21 and 2 or code end
   -- Each seek of a buffered file would read a page.
   file:setvbuf('no')
   local size
   size, problem, code = file:seek('end')
   if size then return file, size end
   file:close()
   -- ESPIPE: a FIFO has no positions. All else is a fault that passes.
   if code ~= 29 then return nil, problem, code end
   return nil, path .. ' is not a regular file', 2
end

-- ENOENT and ENOTDIR, which are the same on all systems.
local ABSENT = {[2] = true, [20] = true}

--- Say whether an error of io.open means that nothing is there, and not that it cannot be opened just now.
-- @int code the third result of io.open
function files.meansAbsent(code)
   return ABSENT[code] or false
end

--- Say whether a file or a folder is missing; false where that cannot be known.
-- @string path where
function files.isAbsent(path)
   -- Not for reading only, which would wait for the writer of a FIFO.
   local file, _, code = io.open(path, 'r+b')
   if file then file:close() end
   return not file and files.meansAbsent(code)
end

--- Append to a file in one system call.
-- @string path where
-- @string data whole lines
function files.append(path, data)
   local file, problem = io.open(path, 'ab')
   if not file then return nil, problem end
   file:setvbuf('no')
   local size, written = file:seek('end') or 0, nil
   if size + #data <= sizelimit.bytes then
      written, problem = file:write(data)
   else
      problem = sizelimit.PROBLEM
   end
   file:close()
   return written and true, problem
end

--- Return how many bytes a file has, or nil.
-- @string path where
function files.size(path)
   local file, size = files.openRegular(path)
   if not file then return nil end
   file:close()
   return size
end

-- What the system answers because of a path: there is no such file, it is not one, or it may not be read.
-- Every other errno (no descriptors, an I/O error, a stale handle of NFS) is about the machine.
local ABOUT_THE_PATH = {
   [1] = 'EPERM', [2] = 'ENOENT', [6] = 'ENXIO', [13] = 'EACCES', [19] = 'ENODEV', [20] = 'ENOTDIR',
   [21] = 'EISDIR', [36] = 'ENAMETOOLONG', [40] = 'ELOOP',
   -- The last two have other numbers on macOS.
   [62] = 'ELOOP', [63] = 'ENAMETOOLONG',
}

--- Say whether a file can be read.
-- @string path where
-- @treturn ?boolean true, or nil, a message, and whether the path is at fault and not the machine
function files.canRead(path)
   local file, problem, code = io.open(path, 'rb')
   if not file then return nil, problem, ABOUT_THE_PATH[code] ~= nil end
   -- A folder can be opened, but not read.
   local _, refused, why = file:read(0)
   file:close()
   if refused then return nil, path .. ': ' .. refused, ABOUT_THE_PATH[why] ~= nil end
   return true
end

return files
