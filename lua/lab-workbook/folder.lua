--- A folder as the place of an experiment: what is written is where it belongs at once.
-- So there is nothing to deliver and nothing to wait for, and the ending is written here.
-- @module lab-workbook.folder

require 'lab-workbook.interpreted'(true, true)

local endingroom = require 'lab-workbook.endingroom'
local errors = require 'lab-workbook.errors'
local files = require 'lab-workbook.files'
local json = require 'lab-workbook.json'
local restorer = require 'lab-workbook.restorer'
local shell = require 'lab-workbook.shell'
local spec = require 'lab-workbook.spec'
local tree = require 'lab-workbook.tree'

local folder = {}

local Folder = setmetatable({}, {__index = tree.Tree})
Folder.__index = Folder

local ADVICE = 'give bucketPrefix = ..., set LAB_WORKBOOK_BUCKET_PREFIX, or write bucketPrefix = ... into '
   .. spec.CONFIG_FILE .. ', to use another folder'

-- Exit code 9: something lies in the folder.
local MAKE = [[mkdir -p -- %s 2>&1 && cd %s && if [ -n "$(ls -A)" ]; then exit 9; fi && mkdir -p ]]
   .. spec.LAYOUT_TMP .. [[ 2>&1 && { readlink /proc/self/ns/pid || true; }]]

local MAKE_AGAIN = 'mkdir -p -- %s 2>/dev/null'

local function silent() end

-- Makes the folder and says where the namespace of our process id is; raises if anything lies in it.
local function make(self)
   local output, code = shell.read(shell.command(MAKE, self.root, self.root))
   if code == 9 then self:refuseTaken() end
   output = output:gsub('\n$', '')
   if code ~= 0 then self:refuse(output) end
   return output
end

function Folder:refuse(problem)
   errors.refuse(('%s cannot be written: %s; %s'):format(self.root, problem, ADVICE))
end

function Folder:refuseTaken()
   errors.misuse('tag.claim', self.where .. ' exists and is not empty: choose another tag, or leave it out')
end

--- Claim a tag (rule tag.claim). Raises where it is taken, or where the folder cannot be written.
-- @table prefix a parsed prefix
-- @string tag the tag
-- @number exitMax for how many seconds the end may read and sync files
-- @func begin given the namespace of process ids, returns the document of begin.json
function folder.claim(prefix, tag, exitMax, begin)
   local self = setmetatable({where = ('%s%s/'):format(tostring(prefix), tag), exitMax = exitMax}, Folder)
   tree.init(self, prefix.path .. tag .. '/')
   local begun = begin(make(self))
   local document = json.encode(begun, silent)
   local done, problem = self:create(spec.LAYOUT_BEGIN, document)
   if not done then
      if files.isAbsent(self.root .. spec.LAYOUT_BEGIN) then self:refuse(problem) end
      self:refuseTaken()
   end
   self.room = endingroom.new(self.root .. spec.LAYOUT_TMP .. 'reserve')
   self.room:keep(spec.LAYOUT_BEGIN)
   self.restorer = restorer.new(self, document, begun.nonce)
   -- No process is needed for it when the experiment ends.
   self.folders[spec.LAYOUT_RESERVED] = spec.LAYOUT_RESERVED .. '/'
   return self
end

--- Open a series. There is nothing to publish, so saveEvery does nothing here.
-- @string name its artifact's name
-- @string header its first line
-- @treturn AppendFile
function Folder:openSeries(name, header)
   local file = self:grow(name, header, function()
      self.room:keep(name)
      return true
   end)
   -- What was lost with a file is counted, and the rows that follow are worth keeping.
   file.canBeginAnew = true
   self.restorer:keep(name, file)
   return file
end

--- Make the folder for working files again.
-- @treturn ?boolean true, or nil and a message
function Folder:makeAgain()
   self:forgetFolders()
   local path = self.root .. spec.LAYOUT_TMP
   if shell.run(shell.command(MAKE_AGAIN, path)) ~= 0 then return nil, path .. ' cannot be made' end
   self.room:restore()
   return true
end

--- Return the artifacts that should be in place.
-- @table kept the files that grow
-- @treturn {string} names
function Folder:saved(kept)
   local names = {}
   for name, given in pairs(self.written) do
      if not kept[given] and name ~= spec.LAYOUT_BEGIN then names[#names + 1] = name end
   end
   return names
end

--- Restore what was removed.
-- @int now the time
function Folder:tick(now)
   self.restorer:look(now)
end

--- Put an artifact into place.
-- @string name the artifact
-- @func fill writes the file
-- @func[opt=os.remove] discard called with the path of a file that cannot be put into place
function Folder:save(name, fill, discard)
   local isKnown = self.written[name]
   local done, problem = self.restorer:prepare()
   if done then done, problem = self:put(name, fill, discard) end
   if done and not isKnown then self.room:keep(name) end
   return done, problem
end

--- Make everything survive a power loss. What is in the folder has arrived, so there is nothing to wait for.
-- @treturn boolean whether nothing is lost
function Folder:flush()
   local isWhole = self.restorer:check()
   return self:sync() and isWhole
end

-- Reads the files of a list in its order, at most so many SECONDS. What was printed by then counts, so each
-- line goes out at once. What `timeout` starts does not hear Ctrl-C, so the shell hears it for them.
local SUM = [[cd %s && { if command -v timeout >/dev/null; then
   line=; command -v stdbuf >/dev/null && line='stdbuf -oL'
   timeout SECONDS $line xargs -0 sha256sum -- < %s 2>/dev/null & trap "kill $!" INT; wait $!
else xargs -0 sha256sum -- < %s 2>/dev/null; fi; }]]

-- Returns the checksums and the sizes by name, as far as the system has sha256sum: small files first, because
-- reading all of them may take longer than `exitMax`.
local function checksums(self, seconds)
   local names = {}
   local sizes = {}
   for written in pairs(self.written) do
      local name = './' .. written
      sizes[name] = files.size(self.root .. name)
      -- What is no regular file would be read for ever.
      if sizes[name] then names[#names + 1] = name end
   end
   table.sort(names, function(one, other) return sizes[one] < sizes[other] end)
   local list = self:writeTemporary(function(path)
      return files.write(path, table.concat(names, '\0') .. '\0')
   end)
   local sums = {}
   if not list then return sums, sizes end
   local command = SUM:gsub('SECONDS', ('%d'):format(seconds))
   local output, code = shell.read(shell.command(command, self.root, list, list))
   os.remove(list)
   if code == shell.TIME_IS_OVER then
      errors.warn(('end.json lists some files without their sums, because reading them would take longer'
         .. ' than exitMax, which is %d s'):format(math.ceil(self.exitMax)))
   end
   for sum, name in output:gmatch('(%x+) [ *]%./([^\n]*)') do
      if #sum == 64 then sums[name] = sum end
   end
   return sums, sizes
end

-- Tries again once: a fault that passes must not cost the end of an experiment.
local function twice(attempt)
   local done = attempt()
   if done then return done end
   return attempt()
end

-- Returns the list of files. A file that was restored or truncated since has no sum.
local function listed(self, ending, sums, sizes)
   local list, missing = {}, {}
   for _, name in ipairs(self.restorer.missing) do missing[name] = true end
   self.isUnreadable = false
   for name in pairs(self.written) do
      local bytes = twice(function() return files.size(self.root .. name) end)
      if bytes then
         list[name] = {bytes = bytes, sha256 = sizes['./' .. name] == bytes and sums[name] or nil}
      elseif not missing[name] then
         self.isUnreadable = true
         ending.lost[spec.LOSS_ARTIFACTS] = ending.lost[spec.LOSS_ARTIFACTS] + 1
         errors.warn(('%s%s cannot be read again: end.json does not list it'):format(self.root, name))
      end
   end
   return list
end

-- So long syncing end.json alone may take.
local END_SECONDS = 30

-- Returns how many whole seconds of exitMax are left, at least one.
local function secondsLeft(self, began)
   return math.max(1, math.ceil(self.exitMax - math.max(0, os.time() - began)))
end

-- Syncs what is in the folder, for as long as the end may still take, and warns of what is left.
local function syncWithin(self, seconds)
   local _, isOver = self:sync(seconds)
   if isOver then
      errors.warn(('the experiment is complete, but might not survive a power loss: syncing more files and'
         .. ' folders would take longer than exitMax, which is %d s'):format(math.ceil(self.exitMax)))
   end
end

--- Write end.json: the ending, and every published file with its size and its checksum.
-- @table ending ended, outcome, error, lost
-- @int began when the experiments of the script began to end
-- @treturn func returns whether all is there
function Folder:finish(ending, began)
   self.restorer:settle(ending.lost)
   local isWhole = false
   local done, problem = self.restorer:isWritable()
   if done then
      self.room:free()
      local sums, sizes = checksums(self, secondsLeft(self, began))
      -- What end.json lists must outlive a power loss that end.json itself outlives.
      syncWithin(self, secondsLeft(self, began))
      -- Reading files for their sums takes minutes, in which some may be removed.
      isWhole = self.restorer:settle(ending.lost)
      done, problem = self.restorer:isWritable()
      if done then done, problem = self:writeEnding(ending, sums, sizes) end
   end
   self.restorer:close()
   if not done then errors.warn(('the end could not be written to %s: %s'):format(self.root, problem)) end
   return function() return done and isWhole and not self.isUnreadable or false end
end

--- Write end.json.
-- @table ending as for `finish`
-- @table sums the checksums of files by name
-- @table sizes the sizes that they had
-- @treturn ?boolean true, or nil and a message
function Folder:writeEnding(ending, sums, sizes)
   self.room:free()
   local document = {ended = ending.ended, outcome = ending.outcome, error = ending.error, lost = ending.lost}
   document.files = listed(self, ending, sums, sizes)
   local bytes = json.encode(document, silent)
   local done, problem = twice(function()
      return self:put(spec.LAYOUT_END, function(path) return files.write(path, bytes) end)
   end)
   -- Nothing but end.json is new.
   self.unsynced, self.growing = {[spec.LAYOUT_END] = true}, {}
   if done then self:sync(END_SECONDS) end
   return done, problem
end

return folder
