--- Who writes this experiment?
-- A process id alone is used again; with its start time and the boot of its machine it is unique. A process
-- that replaces its program by exec keeps both, so the program is recognized, too.
-- @module lab-workbook.process

require 'lab-workbook.interpreted'(true, true)

local files = require 'lab-workbook.files'
local redaction = require 'lab-workbook.redaction'
local shell = require 'lab-workbook.shell'
local spec = require 'lab-workbook.spec'

local process = {}

local function firstLine(path)
   local file = io.open(path, 'r')
   local line = file and file:read('*l')
   if file then file:close() end
   return line
end

-- Returns the fields of /proc/PID/stat by their numbers in proc(5), without the second; nil for none.
local function fieldsOf(path)
   local stat = files.read(path)
   -- The second field is the name in parentheses; it may contain spaces, parentheses and line feeds.
   local behindName = stat and stat:match('^.*%)(.*)$')
   if not behindName then return nil end
   local fields, number = {stat:match('^%d+')}, 2
   for field in behindName:gmatch('%S+') do
      number = number + 1
      fields[number] = field
   end
   return fields
end

--- Return the id of this process and when it was started; nil where the system does not tell.
-- @treturn ?int
-- @treturn ?string in clock ticks since the boot
function process.id()
   local fields = fieldsOf('/proc/self/stat')
   if not fields then return nil end
   -- Where /proc is that of another namespace, our number is another process here.
   local status = files.read('/proc/self/status') or ''
   if status:match('\nNSpid:%s+%d+%s+%d') then return tonumber(fields[1]), nil end
   return tonumber(fields[1]), fields[22]
end

-- Returns which program the process runs (rule begin.optional): a remainder of the address of its stack,
-- taken digit by digit, because a double is too short for some addresses.
local function image(pid)
   -- That of the thread: emulators of other processors show addresses of their own in /proc/self/stat.
   local fields = fieldsOf(('/proc/self/task/%d/stat'):format(pid))
   local address = fields and fields[28] or '0'
   if address == '0' then return nil end
   local rest = 0
   for digit in address:gmatch('%d') do rest = (rest * 10 + digit) % spec.BEGIN_IMAGE_DIVISOR end
   return ('%d'):format(rest)
end

-- A system that has it may still refuse to open one more file.
local HAS_PROC = firstLine('/proc/self/stat') ~= nil

-- Returns getpid(2) by LuaJIT's foreign functions; nil in any other Lua.
local function foreignId()
   if not rawget(_G, 'jit') then return nil end
   local known, ffi = pcall(require, 'ffi')
   if not known then return nil end
   local ran, pid = pcall(function()
      ffi.cdef 'int getpid(void);'
      return ffi.C.getpid()
   end)
   return ran and tonumber(pid) or nil
end

--- Return which process runs this, for `process.isForkOf`.
-- Where the system has no /proc and this is plain Lua, a shell is asked for the id of its parent.
-- @treturn table `pid` and `started`, as far as they are known
function process.current()
   local fields = fieldsOf('/proc/self/stat')
   if fields then return {pid = tonumber(fields[1]), started = fields[22]} end
   return {pid = foreignId() or not HAS_PROC and tonumber((shell.read('echo $PPID'))) or nil}
end

--- Return whether the running process is another one than the given one, which it was then forked from.
-- What is not known of one of the two, because the system cannot open one more file, is no difference.
-- @table owner from `process.current`
-- @treturn boolean
function process.isForkOf(owner)
   local here = process.current()
   for key, known in pairs(owner) do
      if here[key] ~= nil and here[key] ~= known then return true end
   end
   return false
end

-- A shell can give two megabytes, for a list of files; begin.json is read whenever an experiment is listed.
local MOST_ARGUMENTS, LONGEST_ARGUMENT = spec.BEGIN_COMMAND_MAX_ARGUMENTS, spec.BEGIN_COMMAND_MAX_ARGUMENT
local CUT = spec.BEGIN_COMMAND_CUT

--- Return the type of the file system that a folder is on; nil where the system does not tell.
-- @string place the folder, without symbolic links
-- @treturn ?string such as 'ext4' or 'nfs4', as proc(5) has it
function process.fileSystem(place)
   local mounts = io.open('/proc/self/mountinfo', 'rb')
   if not mounts then return nil end
   local longest, kind = -1, nil
   for line in mounts:lines() do
      local point, source = line:match('^%S+ %S+ %S+ %S+ (%S+) .- %- (%S+)')
      point = point and point:gsub('\\(%d%d%d)', function(digits)
         return string.char(tonumber(digits, 8))
      end)
      local stem = point == '/' and point or (point or '') .. '/'
      -- Of several mounts on one folder the last one is seen.
      if point and #point >= longest and (place .. '/'):sub(1, #stem) == stem then
         longest, kind = #point, source
      end
   end
   mounts:close()
   return kind
end

--- Return what was run: the interpreter, its options, the script and its arguments, without secrets in them.
-- @treturn ?{string} nil where the system does not tell
function process.command()
   local file = io.open('/proc/self/cmdline', 'rb')
   local line = file and file:read('*a') or ''
   if file then file:close() end
   if line == '' then return nil end
   local arguments, lengths, from, stop = {}, {}, 1, line:find('\0', 1, true)
   while stop and #arguments < MOST_ARGUMENTS do
      local argument = line:sub(from, stop - 1)
      lengths[#lengths + 1] = #argument
      arguments[#arguments + 1] = argument:sub(1, 2 * LONGEST_ARGUMENT)
      from, stop = stop + 1, line:find('\0', stop + 1, true)
   end
   -- Cut only after that, because a part of a secret does not look like one.
   local kept = redaction.arguments(arguments)
   for index, argument in ipairs(kept) do
      local isWindow = lengths[index] > 2 * LONGEST_ARGUMENT
      -- The end of a window may be a part of a secret.
      if isWindow then argument = argument:sub(1, -1 - LONGEST_ARGUMENT / 2) end
      local isLong = isWindow or #argument > LONGEST_ARGUMENT
      kept[index] = isLong and argument:sub(1, LONGEST_ARGUMENT) .. CUT or argument
   end
   if stop then kept[#kept + 1] = CUT end
   return kept
end

--- Return what begin.json says about this process; what the system does not tell is left out.
-- @string namespace where /proc/self/ns/pid leads, which only a command can read
-- @treturn table host, pid, pidStarted, pidImage, bootId, pidNamespace, command
function process.identity(namespace)
   local pid, started = process.id()
   return {
      host = firstLine('/proc/sys/kernel/hostname'),
      pid = pid,
      pidStarted = started,
      pidImage = started and image(pid),
      bootId = firstLine('/proc/sys/kernel/random/boot_id'),
      pidNamespace = namespace ~= '' and namespace or nil,
      command = process.command(),
   }
end

--- Say whether a process runs and was started with a given argument; nil where the system does not tell.
-- @int pid its id
-- @string argument a text of its command line
function process.isRunning(pid, argument)
   if not firstLine('/proc/self/stat') then return nil end
   local file = io.open(('/proc/%d/cmdline'):format(pid), 'rb')
   local command = file and file:read('*a') or ''
   if file then file:close() end
   return command:find(argument, 1, true) ~= nil
end

-- Calls a function with each line of a file until it returns something, and returns that.
local function firstOf(path, find)
   local file = io.open(path, 'r')
   if not file then return nil end
   local found
   for line in file:lines() do
      found = found or find(line)
   end
   file:close()
   return found
end

--- Return the home directory: HOME, or that of the user where HOME is not an absolute path; nil for none.
-- @treturn ?string
function process.home()
   local home = os.getenv('HOME') or ''
   if home:sub(1, 1) ~= '/' then
      local user = firstOf('/proc/self/status', function(line) return line:match('^Uid:%s*(%d+)') end)
      home = user and firstOf('/etc/passwd', function(line)
         return line:match('^[^:]*:[^:]*:' .. user .. ':[^:]*:[^:]*:([^:]*):')
      end) or ''
   end
   return home:sub(1, 1) == '/' and home or nil
end

--- Return the name and version of this Lua: 'LuaJIT 2.1.0-beta3', 'Lua 5.4'.
function process.runtime()
   local jit = rawget(_G, 'jit')
   return type(jit) == 'table' and jit.version or _VERSION
end

return process
