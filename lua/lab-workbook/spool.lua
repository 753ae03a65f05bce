--- A spool as the place of an experiment: the same tree as in a folder, and a queue for the uploader.
-- docs/spool.md is the contract that this module keeps. Whatever is saved goes to a fresh number in the
-- outbox, so that a delivery under way never sees its file change.
-- @module lab-workbook.spool

require 'lab-workbook.interpreted'(true, true)

local delivery = require 'lab-workbook.delivery'
local errors = require 'lab-workbook.errors'
local files = require 'lab-workbook.files'
local json = require 'lab-workbook.json'
local process = require 'lab-workbook.process'
local reserve = require 'lab-workbook.reserve'
local restorer = require 'lab-workbook.restorer'
local shell = require 'lab-workbook.shell'
local spec = require 'lab-workbook.spec'
local tree = require 'lab-workbook.tree'
local worklist = require 'lab-workbook.worklist'

local spool = {}

local Spool = setmetatable({}, {__index = tree.Tree})
Spool.__index = Spool

local ADVICE = 'give spoolDir = ..., or set LAB_WORKBOOK_SPOOL_DIR, to use another folder'

local MAKE = [[umask 077 && { mkdir -p -- %s && mkdir -- %s && cd %s && mkdir -p ]]
   .. spec.LAYOUT_TMP .. ' ' .. spec.LAYOUT_OUTBOX .. [[; } 2>&1 && { readlink /proc/self/ns/pid || echo; ]]
   .. [[pwd -P; stat -f -c %i . 2>/dev/null || true; }]]

local MAKE_AGAIN = [[umask 077 && mkdir -p -- %s && cd %s && mkdir -p ]]
   .. spec.LAYOUT_TMP .. ' ' .. spec.LAYOUT_OUTBOX .. ' 2>/dev/null'

local function silent() end

-- Makes the spool, for the eyes of its user only. Returns the namespace of our process id, and the type and
-- the id of the file system.
local function make(self, parent)
   local output, code = shell.read(shell.command(MAKE, parent, self.root, self.root))
   if code ~= 0 then
      errors.refuse(('%s cannot be written: %s; %s'):format(self.root, output:gsub('\n$', ''), ADVICE))
   end
   self.folders[spec.LAYOUT_OUTBOX:gsub('/$', '')] = spec.LAYOUT_OUTBOX
   local namespace, place, id = output:match('^([^\n]*)\n(.*)\n(%x+)\n$')
   if not id then return output:match('^[^\n]*') end
   local kind = process.fileSystem(place)
   return namespace, kind and ('%s %s'):format(kind, id) or nil
end

-- Appends a line to the queue, and to the list of the worker in sh; returns true, or nil and a message.
local function tell(self, verb, line)
   line.verb = verb
   local done, problem = self.queue:append(json.encode(line, silent) .. '\n', 0)
   if done and self.worklist then done, problem = self.worklist:append(worklist.line(verb, line), 0) end
   self.delivery:keepAlive()
   return done, problem
end

-- Tells of a series; a queue that is begun anew begins with these lines too.
local function announce(self, line)
   local done, problem = tell(self, 'series', line)
   if done then
      self.announced = self.announced .. json.encode(line, silent) .. '\n'
      if self.worklist then self.listed = self.listed .. worklist.line('series', line) end
   end
   return done, problem
end

--- Make the folders of the spool again, and what lies in it from the start.
-- @treturn ?boolean true, or nil and a message
function Spool:makeAgain()
   self:forgetFolders()
   if shell.run(shell.command(MAKE_AGAIN, self.root, self.root)) ~= 0 then
      return nil, self.root .. ' cannot be made'
   end
   return not self.worklist or worklist.putWorker(self)
end

--- Take note of what was restored: the uploader leaves when its own files are other ones.
-- @tparam {[string]=boolean} names what
function Spool:onRestored(names)
   local read = self.worklist and {worklist.LIST, spec.LAYOUT_TMP} or {spec.LAYOUT_QUEUE, spec.LAYOUT_JOURNAL}
   if names[read[1]] or names[read[2]] then self.delivery:expectAnother() end
end

local function destination(config, tag, isExplicit, fileSystem)
   return {
      prefix = tostring(config.bucketPrefix),
      tag = tag,
      explicit = isExplicit,
      endpointUrl = config.endpointUrl or json.null,
      region = config.region or json.null,
      profile = config.profile or json.null,
      addressingStyle = config.addressingStyle,
      serverSideEncryption = config.serverSideEncryption or json.null,
      kmsKeyId = config.kmsKeyId or json.null,
      storageClass = config.storageClass or json.null,
      acl = config.acl or json.null,
      uploadEvery = config.uploadEvery,
      rereadsJournal = true,
      fileSystem = fileSystem or json.null,
   }
end

local function concatenated(lines)
   local list = {}
   for _, line in pairs(lines) do list[#list + 1] = line end
   return table.concat(list)
end

local function openQueue(self, line)
   line.verb = 'destination'
   self.announced = json.encode(line, silent) .. '\n'
   self.queue = self:grow(spec.LAYOUT_QUEUE, function()
      return self.announced .. concatenated(self.putLines)
   end)
   self.queue.canBeginAnew, self.queue.isKnown = true, true
   self.restorer:keep(spec.LAYOUT_QUEUE, self.queue)
   self.restorer:keep(spec.LAYOUT_JOURNAL, self.delivery.journal)
   return self.queue.ready
end

--- Make the spool, start the uploader and claim the tag. Raises if the claim is refused for good.
-- @table config the settings
-- @string tag the tag
-- @string nonce tells this experiment from all others
-- @bool isExplicit whether the caller chose the tag
-- @func begin given the namespace of process ids, returns the document of begin.json
function spool.claim(config, tag, nonce, isExplicit, begin)
   if not config.spoolDir then errors.refuse('neither spoolDir nor HOME is set: ' .. ADVICE) end
   local self = setmetatable({where = ('%s%s/'):format(tostring(config.bucketPrefix), tag)}, Spool)
   tree.init(self, ('%s%s.%s/'):format(config.spoolDir, tag, nonce))
   self.puts, self.flushes, self.series = 0, 0, {}
   -- The latest line of the queue, and of the worker's list, for each artifact.
   self.putLines, self.listedPuts = {}, {}
   local namespace, fileSystem = make(self, config.spoolDir)
   local document = begin(namespace)
   local bytes = json.encode(document, silent)
   local done, problem = self:put(spec.LAYOUT_BEGIN, function(path) return files.write(path, bytes) end)
   self.restorer = restorer.new(self, bytes, nonce)
   self.delivery = delivery.new(self, config)
   if done and self.delivery.usesAws then
      self.worklist, problem = worklist.open(self, config, document, isExplicit)
      done = self.worklist
   end
   if not done or not openQueue(self, destination(config, tag, isExplicit, fileSystem)) then
      errors.refuse(('%s cannot be written: %s; %s'):format(self.root, problem or 'no queue', ADVICE))
   end
   local refusal, reason = self.delivery:start()
   if refusal then self:refuse(refusal, reason) end
   return self
end

--- Remove the spool and raise what the bucket said.
-- @string message what
-- @string reason the kind of refusal: taken, bucket, access or credentials
function Spool:refuse(message, reason)
   self.delivery:letGo()
   self:closeLists()
   shell.run(shell.command('rm -rf -- %s', self.root))
   if reason == 'taken' then errors.misuse('tag.claim', message) end
   errors.refuse(message)
end

function Spool:closeLists()
   self.restorer:close()
end

local function announcer(self, name, saveEvery)
   return function() return announce(self, {name = name, saveEvery = saveEvery or json.null}) end
end

--- Open a series.
-- @string name its artifact's name
-- @string header its first line
-- @int[opt] saveEvery the rows after which it is published
-- @treturn AppendFile
function Spool:openSeries(name, header, saveEvery)
   local file = self:grow(name, header, announcer(self, name, saveEvery))
   self.restorer:keep(name, file)
   self.series[name] = file
   local current, number = name, 1
   -- Published segments stay, so no other rows may be published for the same bytes of the same series.
   function file.continue()
      local later
      repeat
         number = number + 1
         later = ('%s (%d)%s'):format(name:gsub('%.csv$', ''), number, spec.KIND_SERIES_SUFFIX)
      until not self.series[later]
      self.series[current], self.series[later] = nil, file
      current = later
      file.path = self.root .. later
      file.create = self:creator(later, header, announcer(self, later, saveEvery))
   end
   return file
end

-- Returns how many bytes each series has, for hosts that may see the end before they see all rows.
local function sizes(self)
   local found = {}
   for name, file in pairs(self.series) do found[name] = file.size end
   return found
end

--- Hand an artifact over.
-- @string name the artifact
-- @func fill writes the file
-- @func[opt=os.remove] discard called with the path of a file that cannot be handed over
function Spool:save(name, fill, discard)
   local isWhole, why = self.restorer:prepare()
   if not isWhole then return nil, why end
   self.puts = self.puts + 1
   local number = ('%d'):format(self.puts)
   local temporary, problem = self:writeTemporary(fill)
   if not temporary then return nil, problem end
   local done
   done, problem = reserve.check(temporary, name)
   if not done then
      (discard or os.remove)(temporary)
      return nil, problem
   end
   done, problem = self:replace(spec.LAYOUT_OUTBOX .. number, temporary, discard)
   if not done then return nil, problem end
   done, problem = tell(self, 'put', {name = name, outbox = number})
   if done then
      local line = {verb = 'put', name = name, outbox = number}
      self.putLines[name] = json.encode(line, silent) .. '\n'
      if self.worklist then self.listedPuts[name] = worklist.line('put', line) end
   else
      -- Nobody will ever send it, and the disk is full as it is.
      (discard or os.remove)(self.root .. spec.LAYOUT_OUTBOX .. number)
   end
   return done, problem
end

--- Make everything survive a power loss and ask for its delivery.
-- @number[opt] seconds how long to wait for it; not at all by default
-- @treturn boolean whether all is on the disk, or with `seconds` in the bucket
function Spool:flush(seconds)
   self.restorer:check()
   self.flushes = self.flushes + 1
   local done = tell(self, 'flush', {id = self.flushes})
   local synced = self:sync()
   if seconds then
      done = done and self.delivery:waitForFlush(self.flushes, seconds)
   else
      done = done and synced and not self.delivery:isSealed()
   end
   return done and self.restorer:check() and not self.delivery:hasLost() or false
end

--- Say what is new about deliveries, and see to the uploader.
-- @int now the time
function Spool:tick(now)
   self.restorer:look(now)
   self.delivery:look(now)
end

--- Let go of the life pipe in a forked child, which may live longer than the script.
function Spool:leave()
   self.delivery:letGo()
end

--- Tell the uploader that nothing follows.
-- @table ending ended, outcome, error, lost
-- @treturn func returns whether all has arrived, once it was waited for
-- @treturn ?Delivery what to wait for
function Spool:finish(ending)
   local isWhole = self.restorer:settle(ending.lost)
   -- The state may have closed the file already.
   for _, list in ipairs{self.queue, self.worklist} do
      if io.type(list.handle) ~= 'file' then list.ready = false end
   end
   ending.sizes = sizes(self)
   local done, problem = tell(self, 'end', ending)
   -- Once more: without this line, what was lost is not counted anywhere.
   if not done then done, problem = tell(self, 'end', ending) end
   if not done then
      errors.warn(('the end could not be written to %s: %s'):format(self.root, problem))
      self.delivery:letGo()
   end
   local function conclude()
      self:closeLists()
      return done and self.delivery.hasArrived and isWhole and not self.delivery:hasLost() or false
   end
   -- It looks now whether this process still lives, also while other experiments are ended.
   if done then self.delivery:letGo() end
   return conclude, done and self.delivery or nil
end

return spool
