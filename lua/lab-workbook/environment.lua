--- What a script runs in: interpreter, rocks, machine, command and variables, for `environment.json`.
--
--    environment.capture().document.cpu     --> {model = 'AMD EPYC 7742', logical = 128, usable = 16}
--
-- The names are those of the Python writer. What the system does not tell is left out; most of it is read
-- from /proc, and the few commands that are asked have seconds to answer.
--
-- @module lab-workbook.environment

require 'lab-workbook.interpreted'(true, true)

local dates = require 'lab-workbook.dates'
local json = require 'lab-workbook.json'
local process = require 'lab-workbook.process'
local redaction = require 'lab-workbook.redaction'
local shell = require 'lab-workbook.shell'
local spec = require 'lab-workbook.spec'

local environment = {}

-- A driver that hangs must not hang the training. Without timeout(1) each is asked as it is.
local ASK = [[t=; command -v timeout > /dev/null && t='timeout 5'; uname -m; echo =; pwd; echo =; ]]
   .. [[readlink /proc/%d/exe; echo =; $t luarocks list --porcelain; echo =; ]]
   .. [[command -v nvidia-smi > /dev/null && $t nvidia-smi --format=csv,noheader,nounits ]]
   .. [[--query-gpu=index,name,uuid,memory.total,driver_version; echo =]]

-- Returns what each command has answered, up to the line that ends its answer.
local function answers()
   local found = {}
   local output = shell.read(('{ %s; } 2> /dev/null'):format(ASK:format(process.id() or 0)))
   for answer in output:gmatch('(.-)=\n') do found[#found + 1] = answer end
   return found
end

-- What version 1 of cgroups gives where there is no limit: the largest number of pages.
local NO_LIMIT = 2 ^ 60

local function contents(path)
   local file = io.open(path, 'rb')
   local text = file and file:read('*a') or ''
   if file then file:close() end
   return text
end

-- Returns an answer of one line, and nil for none.
local function line(answer) return answer and answer:match('^[^\n]+') end

local function firstWord(path) return contents(path):match('^%S+') end

-- Returns nil for a table with nothing in it, which JSON would have to call an object or an array.
local function told(value) return next(value) ~= nil and value or nil end

local function language()
   local name, version = process.runtime():match('^(%S+) (.+)$')
   return name, version
end

local function packages(list)
   local found = {}
   for name, version in list:gmatch('([^\t\n]+)\t([^\t\n]+)[^\n]*') do
      -- Of several versions the first is the newest, and the one that is loaded.
      found[name] = found[name] or version
   end
   return told(found)
end

local function gpus(list)
   local found = {}
   for card in list:gmatch('[^\n]+') do
      local index, name, uuid, size, driver = card:match('^(%d+), ([^,]+), ([^,]+), ([^,]+), ([^,]+)$')
      if index then
         found[#found + 1] = {index = tonumber(index), name = name, uuid = uuid, driver = driver,
            memory = tonumber(size) and tonumber(size) * 2 ^ 20}
      end
   end
   return found
end

-- Calls a function with each folder of this process's cgroup and of those around it.
local function eachCgroup(controller, visit)
   for controllers, own in contents('/proc/self/cgroup'):gmatch('%d+:([^:\n]*):([^\n]*)') do
      if controllers == '' or (',' .. controllers .. ','):find(',' .. controller .. ',', 1, true) then
         local root = '/sys/fs/cgroup' .. (controllers == '' and '' or '/' .. controller)
         local path = own
         while path do
            visit(root .. path)
            path = path:match('^(.*)/[^/]*$')
         end
      end
   end
end

local function smaller(one, other) return one and other and math.min(one, other) or one or other end

local function cpuLimit()
   local limit
   eachCgroup('cpu', function(folder)
      local quota, period = contents(folder .. '/cpu.max'):match('^(%d+) (%d+)')
      quota = tonumber(quota or firstWord(folder .. '/cpu.cfs_quota_us'))
      period = tonumber(period or firstWord(folder .. '/cpu.cfs_period_us'))
      if quota and period and quota > 0 and period > 0 then limit = smaller(limit, quota / period) end
   end)
   return limit
end

local function memoryLimit()
   local limit
   eachCgroup('memory', function(folder)
      local bytes = firstWord(folder .. '/memory.max') or firstWord(folder .. '/memory.limit_in_bytes')
      bytes = tonumber(bytes)
      if bytes and bytes < NO_LIMIT then limit = smaller(limit, bytes) end
   end)
   return limit
end

local function cpu()
   local info, usable = contents('/proc/cpuinfo'), 0
   local _, logical = info:gsub('processor[ \t]*:', '')
   local list = contents('/proc/self/status'):match('Cpus_allowed_list:%s*(%S+)') or ''
   for first, last in list:gmatch('(%d+)%-?(%d*)') do
      usable = usable + (tonumber(last) or tonumber(first)) - tonumber(first) + 1
   end
   return told{
      model = info:match('model name[ \t]*: ([^\n]+)') or info:match('Model[ \t]*: ([^\n]+)'),
      logical = logical > 0 and logical or nil,
      usable = usable > 0 and usable or nil,
      limit = cpuLimit(),
   }
end

local function memory()
   local kibibytes = tonumber(contents('/proc/meminfo'):match('MemTotal:%s*(%d+)'))
   return told{bytes = kibibytes and kibibytes * 1024, limit = memoryLimit()}
end

local function system(machine)
   return told{
      name = firstWord('/proc/sys/kernel/ostype'),
      release = firstWord('/proc/sys/kernel/osrelease'),
      machine = machine,
      distribution = contents('/etc/os-release'):match('PRETTY_NAME="([^"\n]+)"'),
   }
end

local PATTERNS = {}
for index, name in ipairs(spec.ENVIRONMENT_VARIABLES) do
   PATTERNS[index] = '^' .. name:gsub('%*', '.*') .. '$'
end

local function isTold(name)
   for _, pattern in ipairs(PATTERNS) do
      if name:find(pattern) then return true end
   end
   return false
end

-- Returns the variables that are told, and the names of those whose values were cut.
local function variables()
   local found, secrets = {}, {}
   for name, value in contents('/proc/self/environ'):gmatch('([^=%z]+)=([^%z]*)') do
      if isTold(name) then
         local kept, count = redaction.cell(name, value)
         for _ = 1, count do secrets[#secrets + 1] = name end
         found[name] = kept
      end
   end
   return told(found), secrets
end

--- Return what this process runs in.
-- @treturn table `document`, and `secrets`: the names of the variables whose values were cut
function environment.capture()
   local name, version = language()
   local answer = answers()
   local found, secrets = variables()
   return {
      document = {
         captured = dates.text(),
         language = {name = name, version = version, executable = line(answer[3])},
         packages = packages(answer[4] or ''),
         host = firstWord('/proc/sys/kernel/hostname'),
         os = system(line(answer[1])),
         cpu = cpu(),
         memory = memory(),
         gpus = told(gpus(answer[5] or '')) or json.emptyArray,
         command = process.command(),
         workingDirectory = answer[2] and line((redaction.text(answer[2]))),
         variables = found,
      },
      secrets = secrets,
   }
end

return environment
