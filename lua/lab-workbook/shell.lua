--- Commands of the system, for what plain Lua cannot do: mkdir, ln, sync, sha256sum, git.
--
-- Every argument goes through `quote`, and no module but this one runs a command. os.execute and io.popen
-- report differently on each Lua, and io.popen is missing in some embedded ones, so both are wrapped here
-- once.
--
-- @module lab-workbook.shell

require 'lab-workbook.interpreted'(true, true)

local shell = {}

--- Return a text as one argument of a command.
-- @string argument any text without NUL
function shell.quote(argument)
   return "'" .. argument:gsub("'", "'\\''") .. "'"
end

--- Return a command from a template: each `%s` is replaced by one quoted argument.
--
--    shell.command('mkdir -p -- %s', path)
--
-- @string template the command
-- @param ... texts
function shell.command(template, ...)
   local arguments, index = {...}, 0
   return (template:gsub('%%s', function()
      index = index + 1
      return shell.quote(arguments[index])
   end))
end

--- Run a command and return its exit code (128 or more: a signal ended it).
-- @string command from `shell.command`
-- @treturn int
function shell.run(command)
   local first, _, code = os.execute(command)
   if type(first) ~= 'number' then return code or (first and 0 or 1) end
   -- 5.1 and LuaJIT return the wait status of system(3).
   return first > 255 and math.floor(first / 256) or first
end

-- Returns what a command writes, by way of a file: for runtimes without io.popen.
local function readByFile(command)
   local path = os.tmpname()
   shell.run(('( %s ) > %s'):format(command, shell.quote(path)))
   local file = io.open(path, 'rb')
   local output = file and file:read('*a') or ''
   if file then file:close() end
   os.remove(path)
   return output
end

--- Run a command and return its standard output and its exit code.
-- @string command from `shell.command`
-- @treturn string the output
-- @treturn int
function shell.read(command)
   -- A pipe's close() hides the exit code on 5.1 and LuaJIT, so it travels as the last line.
   command = ('( %s ); echo "=$?"'):format(command)
   local opened, pipe = pcall(io.popen, command, 'r')
   local output
   if opened and pipe then
      output = pipe:read('*a')
      pipe:close()
   else
      output = readByFile(command)
   end
   local text, code = (output or ''):match('^(.*)=(%d+)\n$')
   return text or '', tonumber(code) or 1
end

--- Start a command whose standard input is a pipe that we hold; nil where io.popen is missing.
-- @string command from `shell.command`
-- @return a file handle to close
function shell.hold(command)
   local opened, pipe = pcall(io.popen, command, 'w')
   return opened and pipe or nil
end

return shell
