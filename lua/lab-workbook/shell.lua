--- Commands of the system, for what plain Lua cannot do: mkdir, ln, sync, sha256sum, git.
--
-- Every argument goes through `quote`, and no module but this one runs a command. io.popen reports
-- differently on each Lua and is missing in some embedded ones, so it is wrapped here once.
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

--- The exit code of a command that could not be started: no process, no descriptors, no memory.
shell.NOT_STARTED = -1

--- What timeout(1) returns when it had to end a command.
shell.TIME_IS_OVER = 124

-- Commands are still found where the environment has no PATH, or an empty one.
local PATH = 'export PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}"; '

-- Returns what a command writes, by way of a file: for runtimes without io.popen.
local function readByFile(command)
   local named, path = pcall(os.tmpname)
   if not named then return nil, path end
   os.execute(('( %s ) > %s'):format(command, shell.quote(path)))
   local file, problem = io.open(path, 'rb')
   local output = file and file:read('*a')
   if file then file:close() end
   os.remove(path)
   return output, problem
end

local function readByPipe(command)
   local opened, pipe, problem = pcall(io.popen, command, 'r')
   if not opened then return readByFile(command) end
   if not pipe then return nil, problem end
   local output = pipe:read('*a')
   pipe:close()
   return output
end

--- Run a command and return its standard output and its exit code (128 or more: a signal ended it).
-- @string command from `shell.command`
-- @treturn string the output; where the command could not be started, why
-- @treturn int the code, or `shell.NOT_STARTED`
function shell.read(command)
   -- The exit code travels as the last line: a pipe's close() hides it on 5.1 and LuaJIT, and where the
   -- script was started with SIGCHLD ignored, the kernel keeps no exit code at all.
   local output, problem = readByPipe(('%s( %s ); echo "=$?"'):format(PATH, command))
   local text, code = (output or ''):match('^(.*)=(%d+)\n$')
   if text then return text, tonumber(code) end
   return ('no command can be run: %s'):format(problem or 'the shell did not start it'), shell.NOT_STARTED
end

--- Run a command and return its exit code.
-- @string command from `shell.command`
-- @treturn int
function shell.run(command)
   local _, code = shell.read(command)
   return code
end

--- Return whether standard output is a terminal.
function shell.writesToTerminal()
   local answer = os.execute('test -t 1')
   return answer == true or answer == 0
end

--- Start a command whose standard input is a pipe that we hold; nil where io.popen is missing.
-- @string command from `shell.command`
-- @return a file handle to close
function shell.hold(command)
   local opened, pipe = pcall(io.popen, PATH .. command, 'w')
   return opened and pipe or nil
end

return shell
