--- The uploader, as its writer sees it: started, listened to through the journal, waited for.
--
-- It runs in a process session of its own, so Ctrl-C reaches only the script. Its standard input is a pipe
-- that we hold and never write to: the pipe carries life, not data. Plain Lua cannot sleep, so a shell does
-- the waiting.
--
-- @module lab-workbook.delivery

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'
local files = require 'lab-workbook.files'
local journal = require 'lab-workbook.journal'
local news = require 'lab-workbook.news'
local process = require 'lab-workbook.process'
local shell = require 'lab-workbook.shell'
local spec = require 'lab-workbook.spec'
local worklist = require 'lab-workbook.worklist'

local delivery = {}

local Delivery = {}
Delivery.__index = Delivery

local RESTART_SECONDS = 60
-- So long a new one may take until it says that it has started.
local STARTING_SECONDS = 5

-- After so many seconds of waiting at the end: one that was killed just now looks alive for a moment.
local LOOK_AGAIN_SECONDS = 2

-- Background commands of a shell read /dev/null, so the pipe goes round by descriptor 3. The inner shell
-- leaves at once, so closing the pipe waits for nobody. The uploader must not hold what the script has
-- open: a shell can close descriptors up to 9, the uploader closes the others.
-- Without setsid, as on macOS, what a shell starts by & does not hear Ctrl-C either.
local START = [[exec 3<&0; cd /; s=setsid; command -v $s >/dev/null || s=; ($s COMMAND ]]
   .. [[<&3 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&- >>LOG 2>&1 &)]]

-- The aws command takes two or three seconds to start.
local AWS_CLAIM_SECONDS = 15

-- Looks ten times a second for a line of the journal that has one of the texts from $4 on, at most $2 tenths
-- of a second in all and $3 without progress. Exit codes: 0 found, 3 the journal is missing, 4 no progress,
-- 5 the time is over. It reads on from where it was, because a journal may have grown for days, with nothing
-- but what the shell has built in. Once a second it asks the clock as well, because on a busy machine a turn
-- takes longer than a tenth of a second.
local WAIT = [[
sh -c 'journal=$1 longest=$2 patience=$3; shift 3
clock() { now=$(date +%s); }
clock; began=$now moved=$now turns=0 due=10 calm=0 part= isOpen= head= again=
while :; do
   [ -e "$journal" ] || exit 3
   # It begins with another line once it was compacted; what is for uploaders alone is left out then.
   first=
   [ ! -f "$journal" ] || { IFS= read -r first < "$journal"; } 2>/dev/null
   if [ -f "$journal" ] && { [ -z "$isOpen" ] || [ "$first" != "$head" ]; }; then
      head=$first memory= again=$isOpen
      { command exec 4< "$journal"; } 2>/dev/null || exit 3
      isOpen=yes part=
      case $head in *"\"memory\": "*) memory=${head#*\"memory\": } memory=$((${memory%%[,\}]*}));; esac
      [ -z "$memory" ] || dd bs="$memory" count=1 <&4 >/dev/null 2>&1
   fi
   while [ -n "$isOpen" ] && IFS= read -r line <&4; do
      line=$part$line; part=
      case $again$line in PROGRESS) calm=0 moved=;; esac
      for text; do case $line in *"$text"*) exit 0;; esac; done
   done
   # What was read without a line feed is the beginning of the next line.
   part=$part$line; line= again=
   turns=$((turns + 1)) calm=$((calm + 1))
   [ "$turns" -le "$longest" ] || exit 5
   [ "$calm" -le "$patience" ] || exit 4
   if [ "$turns" -ge "$due" ]; then
      due=$((turns + 10))
      clock; moved=${moved:-$now}
      [ $(((now - began - 1) * 10)) -le "$longest" ] || exit 5
      [ $(((now - moved - 1) * 10)) -le "$patience" ] || exit 4
   fi
   sleep 0.1 2>/dev/null || { sleep 1; turns=$((turns + 9)) calm=$((calm + 9)); }
done' sh ]]

-- How the lines of progress begin, as patterns of a shell.
local PROGRESS = {}
for index, name in ipairs(spec.SPOOL_PROGRESS_EVENTS) do
   PROGRESS[index] = ('"{\\"event\\": \\"%s\\""*'):format(name)
end
WAIT = WAIT:gsub('PROGRESS', table.concat(PROGRESS, '|'))

local function isInstalled(command)
   return shell.run(('command -v %s >/dev/null 2>&1'):format(command)) == 0
end

-- Returns whether the aws command delivers: where it is asked for, or our own is not installed.
local function usesAws(config)
   if config.uploader ~= 'auto' then return config.uploader == 'aws' end
   return not isInstalled('lab-workbook') and isInstalled('aws')
end

--- Return the delivery of one spool.
-- Its `usesAws` says that the worker of docs/aws-fallback.md delivers it, which needs a worklist.
-- @tparam Spool spool the spool; its `restorer` puts back what is removed
-- @table config the settings
function delivery.new(spool, config)
   local path = spool.root .. spec.LAYOUT_JOURNAL
   local source = journal.open(path)
   return setmetatable({
      spool = spool,
      root = spool.root,
      path = path,
      journal = source,
      config = config,
      news = news.new(source),
      usesAws = usesAws(config),
   }, Delivery)
end

-- Returns the command that delivers the rest by hand.
local function advice(self, options)
   if self.usesAws and not options then return shell.command('sh %s', worklist.worker(self.root)) end
   return ('lab-workbook push%s %s'):format(options or '', shell.quote(self.root:gsub('/$', '')))
end

local function event(name) return ('"event": "%s"'):format(name) end

local unpackList = rawget(table, 'unpack') or rawget(_G, 'unpack')

local function waitCommand(self, seconds, patience, ...)
   local words = {shell.quote(self.path)}
   for _, time in ipairs{seconds, patience} do words[#words + 1] = ('%d'):format(math.ceil(time * 10)) end
   for _, text in ipairs{...} do words[#words + 1] = shell.quote(text) end
   return WAIT .. table.concat(words, ' ')
end

-- Waits for one of some texts in the journal; returns the exit code of WAIT.
local function wait(self, ...)
   local _, code = shell.read(waitCommand(self, ...))
   return code
end

-- Waits for several journals at the same time; each of `waits` has `self`, `seconds`, `patience` and `words`.
-- Returns the exit codes of WAIT. What a shell starts in the background does not hear Ctrl-C.
local function waitForEach(waits)
   if #waits == 1 then
      local only = waits[1]
      return {wait(only.self, only.seconds, only.patience, unpackList(only.words))}
   end
   local begin, finish, pids = {}, {}, {}
   for index, each in ipairs(waits) do
      begin[index] = ('%s & p%d=$!'):format(
         waitCommand(each.self, each.seconds, each.patience, unpackList(each.words)), index)
      finish[index] = ('wait $p%d; echo "%d $?"'):format(index, index)
      pids[index] = ('$p%d'):format(index)
   end
   local command = ('%s\ntrap "kill %s" INT\n%s'):format(
      table.concat(begin, '\n'), table.concat(pids, ' '), table.concat(finish, '\n'))
   local codes = {}
   for index, code in shell.read(command):gmatch('(%d+) (%d+)\n') do
      codes[tonumber(index)] = tonumber(code)
   end
   return codes
end

local function startCommand(self)
   local quoted = {
      COMMAND = self.usesAws and advice(self) .. ' started'
         or shell.command('lab-workbook upload %s', self.root),
      LOG = shell.quote(self.root .. spec.LAYOUT_LOG),
   }
   return (START:gsub('%u%u%u+', quoted))
end

-- Returns the seconds since the first call, which never go back; the clock may be set back meanwhile.
local function time(self)
   local now = os.time()
   self.elapsed = (self.elapsed or 0) + math.max(0, now - (self.readAt or now))
   self.readAt = now
   return self.elapsed
end

-- Starts an uploader; returns whether there is one to start.
local function start(self)
   self:letGo()
   self.startedAt, self.isLeaving = time(self), false
   local command = self.usesAws and 'aws' or 'lab-workbook'
   if not isInstalled(command) then
      if not self.said then
         self.said = true
         errors.warn(('nothing delivers this experiment: the command %s is not on the PATH'
            .. ' (pip install lab-workbook); all is kept, deliver it with:'):format(command))
         errors.warn('  ' .. advice(self))
      end
      return false
   end
   self.journal:complete(function(fill) return self.spool:put(spec.LAYOUT_JOURNAL, fill) end)
   self.life = shell.hold(startCommand(self))
   return self.life ~= nil
end

--- Start the uploader and wait a little for the claim.
-- @treturn ?string the message of a refusal, and its reason; nil where there is none
function Delivery:start()
   if not start(self) then return nil end
   local seconds = self.usesAws and AWS_CLAIM_SECONDS or spec.TIMING_CLAIM_SECONDS
   wait(self, seconds, seconds, event('claimed'), event('refused'),
      event(self.usesAws and 'trouble' or 'refused'))
   local refusal = self.journal:last('refused')
   if refusal then return journal.field(refusal, 'message') or 'refused', journal.field(refusal, 'reason') end
   if not self.journal:last('claimed') then
      local trouble = self.journal:last('trouble')
      local reason = trouble and journal.field(trouble, 'message')
         or ('no answer within %d s'):format(seconds)
      errors.warn(('not in the bucket yet (%s); training goes on, the uploader keeps trying'):format(reason))
      self.news:wasSaid(time(self))
   end
   return nil
end

local function runs(self)
   self.news:read(time(self))
   local pid = self.news.uploader
   -- Where the system does not tell, we trust it: two uploaders exclude each other by their lock.
   return pid ~= nil and process.isRunning(pid, (self.root:gsub('/$', ''))) ~= false
end

--- Take note that files were restored which the uploader has read: it leaves, and another one follows soon.
function Delivery:expectAnother()
   self.isLeaving = true
end

--- Start another uploader if this one has died, at most once a minute.
function Delivery:keepAlive()
   local now = time(self)
   local patience = self.isLeaving and STARTING_SECONDS or RESTART_SECONDS
   if not self.startedAt or now - self.startedAt < patience then return end
   if not self.isLeaving then self.startedAt = now end
   local hasStopped = self.news.isRefused or self.news.isSealed
   if not runs(self) and not hasStopped and not self.spool.restorer.problem then start(self) end
end

-- Puts back what was removed while we waited; returns whether that has worked.
local function isRestored(self)
   self.spool.restorer:check()
   return not self.spool.restorer.problem
end

-- Waits until an uploader whose files were removed has left, and starts another; at most until a time.
local function replace(self, deadline)
   while self.isLeaving and runs(self) and time(self) < deadline do
      self.spool.restorer:look(os.time())
      wait(self, 1, 1, event('ended'))
   end
   return not runs(self) and start(self)
end

--- Say what is new about deliveries, and see that somebody delivers.
-- @int now the time; a second call in a second does nothing
function Delivery:look(now)
   if self.looked == now then return end
   self.looked = now
   self.news:read(time(self))
   self.news:tell(time(self))
   self:keepAlive()
end

--- Wait until a flush has arrived.
-- @int id its number
-- @number seconds how long
-- @treturn boolean whether it has
function Delivery:waitForFlush(id, seconds)
   local flushed = ('%s, "id": %d'):format(event('flushed'), id)
   local deadline = time(self) + math.ceil(seconds)
   local code
   repeat
      if self.isLeaving then replace(self, deadline) end
      local left = math.max(0, math.min(seconds, deadline - time(self)))
      -- A word of the uploader may say more, such as what it has sent; and 1 is not 12.
      code = wait(self, left, left, flushed .. '}', flushed .. ',', event('sealed'))
   until code ~= 3 or not isRestored(self) or time(self) >= deadline
   local isSealed = self:isSealed()
   self.news:tell(time(self))
   return code == 0 and not isSealed
end

--- Return whether another process has sealed the experiment, and warn of it at once.
-- @treturn boolean
function Delivery:isSealed()
   local now = time(self)
   self.news:read(now)
   if self.news.isSealed then self.news:tell(now) end
   return self.news.isSealed or false
end

local LAST_WORDS = {event('ended'), event('refused'), event('sealed')}

-- Lets the uploaders of some deliveries know that the script ends; returns those that have one.
local function startAll(deliveries)
   local started = {}
   for _, self in ipairs(deliveries) do
      if self.isLeaving then replace(self, self.deadline) end
      self.code = nil
      if runs(self) or start(self) then started[#started + 1] = self end
      self:letGo()
   end
   return started
end

-- Waits for some deliveries at the same time, each for `seconds` and without progress for `patience`, which
-- are functions of it; sets the `code` of each.
local function waitAtOnce(deliveries, seconds, patience)
   local waits = {}
   for index, self in ipairs(deliveries) do
      waits[index] = {self = self, seconds = seconds(self), patience = patience(self), words = LAST_WORDS}
   end
   local codes = #waits > 0 and waitForEach(waits) or {}
   for index, self in ipairs(deliveries) do self.code = codes[index] end
end

local function soon(self) return math.min(LOOK_AGAIN_SECONDS, self.config.exitTimeout / 2) end

-- Waits until something is removed, or while bytes arrive. The `code` of a delivery is then the exit code of
-- WAIT, or nil where nothing delivers.
local function waitOnce(deliveries)
   local pending = {}
   deliveries = startAll(deliveries)
   waitAtOnce(deliveries, soon, soon)
   for _, self in ipairs(deliveries) do
      if self.code ~= 0 and self.code ~= 3 then
         if not runs(self) and start(self) then self:letGo() end
         pending[#pending + 1] = self
      end
   end
   waitAtOnce(pending, function(self) return math.max(1, self.deadline - time(self)) end,
      function(self) return self.config.exitTimeout - soon(self) end)
end

-- Returns whether a wait has ended because files were removed that were restored by now.
local function isToGoOn(self)
   local isRemoved = self.code == 3 and not self.journal:last('ended')
   return isRemoved and isRestored(self) and time(self) < self.deadline
end

-- Waits for deliveries as long as something moves, and puts back what is removed; sets their `code`.
local function waitWhileTheyMove(deliveries)
   local pending = {}
   for _, self in ipairs(deliveries) do
      self.deadline = time(self) + self.config.exitMax
      self.code = 0
      if not self:isSealed() then pending[#pending + 1] = self end
   end
   while #pending > 0 do
      waitOnce(pending)
      local again = {}
      for _, self in ipairs(pending) do if isToGoOn(self) then again[#again + 1] = self end end
      pending = again
   end
end

-- Returns whether all has arrived, by what the wait for `ended` or `refused` returned.
local function hasArrived(self, code)
   if self.journal:last('ended') then return true end
   return code == 0 and not self.journal:last('refused', 'sealed')
end

-- Warns that something is left in the spool, and why, with the command that delivers it.
local function sayWhatIsLeft(self, because)
   if self:isSealed() then
      errors.warn(('not everything is in the bucket, because the experiment was sealed;'
         .. ' lab-workbook push --discard %s removes the spool'):format(shell.quote(self.root)))
      return
   end
   if files.isAbsent(self.root) then
      errors.warn(('not everything is in the bucket, and the rest is lost: %s was removed'):format(self.root))
      return
   end
   local refusal = self.journal:last('refused', 'trouble') or ''
   local reason = journal.field(refusal, 'message')
   local options = journal.field(refusal, 'reason') == 'taken' and ' --tag NEW' or nil
   errors.warn(('not everything is in the bucket%s%s; deliver the rest with:'):format(
      reason and (' (%s)'):format(reason) or '', because))
   errors.warn('  ' .. advice(self, options))
end

-- Returns why the wait was given up, as the end of a sentence.
local function givenUp(self, code)
   local settings = self.config
   if code == 4 then
      return (', and nothing has arrived for %g s (exitTimeout)'):format(settings.exitTimeout)
   end
   return code == 5 and (', and %g s (exitMax) are over'):format(settings.exitMax) or ''
end

-- Concludes a wait, and warns if not everything has arrived; returns whether it has.
local function conclude(self, ran)
   local code = ran and self.code
   if code == nil then return false end
   if hasArrived(self, code) then
      -- Where our end is the uploader's too, as in a container, it would leave the spool behind.
      local seconds = spec.TIMING_REMOVAL_SECONDS
      if code == 0 then wait(self, seconds, seconds, event('refused')) end
      self.news:arrived()
      self.news:tell(time(self))
      return true
   end
   sayWhatIsLeft(self, ran and givenUp(self, code) or '')
   return false
end

--- Wait until some deliveries have arrived, all at the same time and for as long as the settings allow, and
-- warn if not everything has. Sets `hasArrived` of each.
-- @tparam {Delivery} deliveries whose spools have their last line
function delivery.waitForAll(deliveries)
   -- Ctrl-C raises in here, and ends the wait; its user is still to hear what is left.
   local ran, problem = pcall(waitWhileTheyMove, deliveries)
   for _, self in ipairs(deliveries) do self.hasArrived = conclude(self, ran) end
   if not ran then error(problem, 0) end
end

--- Say whether an artifact was removed before it was uploaded, and not saved again.
-- @treturn boolean
function Delivery:hasLost()
   self.news:read(time(self))
   return next(self.news.lost) ~= nil
end

--- Close the life pipe: the uploader looks now whether this process still lives.
function Delivery:letGo()
   if io.type(self.life) == 'file' then self.life:close() end
   self.life = nil
end

return delivery
