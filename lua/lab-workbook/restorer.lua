--- Removed files of a running experiment: found missing at their paths, and restored.
--
-- A cleaner of /tmp, or a person, may remove or replace the files of an experiment whose script goes on. The
-- script would write to files without a name until its end. The bytes of begin.json are known, and each
-- growing file is still open, so both are restored. Saved artifacts have no other copy: they are counted as
-- lost.
--
--    self.restorer = restorer.new(self, bytes, nonce)
--    self.restorer:keep('loss.csv', file)
--    self.restorer:check()        --> true
--
-- The tree has `makeAgain`, which makes its folders, and may have `saved`, which returns the names of the
-- artifacts that should be in place, and `onRestored`, which is given the set of names that were restored.
--
-- @module lab-workbook.restorer

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'
local files = require 'lab-workbook.files'
local spec = require 'lab-workbook.spec'
local text = require 'lab-workbook.text'

local restorer = {}

local Restorer = {}
Restorer.__index = Restorer

local NAMES_SHOWN = 4

--- Return what keeps the files of a tree at their paths.
-- @tparam Tree tree where
-- @string begin the bytes of its begin.json
-- @string nonce what tells it from all other experiments
function restorer.new(tree, begin, nonce)
   return setmetatable({
      tree = tree, begin = begin, nonce = nonce,
      kept = {}, order = {}, missing = {}, reported = {},
      -- What `settle` has counted.
      settledRows = 0, settledArtifacts = 0,
   }, Restorer)
end

--- Restore a growing file from now on.
-- @string name relative to the root of the tree
-- @param file an AppendFile, or what has `isInPlace`, `restore`, `rows` and `lostRows`
function Restorer:keep(name, file)
   self.kept[name] = file
   self.order[#self.order + 1] = name
end

--- Restore a growing file under another name.
-- @string name the name that it had
-- @string later the name that it has
function Restorer:rename(name, later)
   self.kept[later], self.kept[name] = self.kept[name], nil
   for index, each in ipairs(self.order) do
      if each == name then self.order[index] = later end
   end
end

-- Returns names in a row, the first few of them.
local function shown(names)
   table.sort(names)
   local list = {}
   for index = 1, math.min(#names, NAMES_SHOWN) do list[index] = text.shown(names[index]) end
   local more = #names > NAMES_SHOWN and (' and %d more'):format(#names - NAMES_SHOWN) or ''
   return table.concat(list, ', ') .. more
end

-- Warns, unless all these names were in a warning before.
local function report(self, names, what)
   local isNews = false
   for _, name in ipairs(names) do
      isNews = isNews or not self.reported[name]
      self.reported[name] = true
   end
   if isNews then
      errors.warn(('files were removed or replaced in %s while its script runs; %s'):format(
         self.tree.root, what))
   end
end

-- Says whether the begin.json that is there belongs to another experiment.
local function holdsAnother(self)
   local path = self.tree.root .. spec.LAYOUT_BEGIN
   local file, size, code = files.openRegular(path)
   if not file and files.meansAbsent(code) then
      -- A FIFO is in the way of ours.
      os.remove(path)
   end
   -- As much as it has, because a device never ends.
   local found = file and file:seek('set', 0) and file:read(size)
   if file then file:close() end
   if not found or found == self.begin then return false end
   -- `push --tag` has written our own anew.
   if found:match('"nonce": *"([^"]*)"') == self.nonce then return false end
   if found:find('"protocol"', 1, true) then return true end
   -- Of no use to anyone, and in the way of ours.
   os.remove(path)
   return false
end

-- Whoever seals an experiment without proof gives its queue another name, and the list of the worker too.
local SEALED = {
   [spec.LAYOUT_QUEUE] = spec.LAYOUT_SEALED,
   [spec.LAYOUT_RESERVED .. '/worklist'] = spec.LAYOUT_RESERVED .. '/worklist.sealed',
}

local function isInPlace(self, name)
   if self.isTaken then return false end
   local file, sealed = self.kept[name], SEALED[name]
   return file:isInPlace() or (sealed and file:isInPlace(self.tree.root .. sealed)) or false
end

-- Goes on with a file that was truncated; returns true, or nil and a message.
local function continue(self, name)
   local file = self.kept[name]
   local before = file.lostRows
   local done, problem = file:beginAgain(function(fill) return self.tree:put(name, fill) end)
   local later = file.path:sub(#self.tree.root + 1)
   if later ~= name then self:rename(name, later) end
   if done and self.tree.onRestored then self.tree:onRestored{[name] = true} end
   if file.lostRows > before then
      errors.warn(('%s%s was truncated while its script runs: %d rows of it are lost; later rows are in %s')
         :format(self.tree.root, name, file.lostRows - before, text.shown(later)))
   end
   return done, problem
end

-- Goes on with the files that were truncated, and returns the names of what is not there.
local function absent(self)
   local names, order = {}, {}
   for _, name in ipairs{spec.LAYOUT_BEGIN, spec.LAYOUT_TMP} do
      if files.isAbsent(self.tree.root .. name) then names[#names + 1] = name end
   end
   -- A copy, because a file that goes on may get another name.
   for index, name in ipairs(self.order) do order[index] = name end
   for _, name in ipairs(order) do
      if not isInPlace(self, name) then
         names[#names + 1] = name
      elseif self.kept[name].isCut then
         local done, problem = continue(self, name)
         if not done then self.problem = ('%s: %s'):format(text.shown(name), tostring(problem)) end
      end
   end
   return names
end

-- Restores one file; returns true, or nil and a message.
local function restoreOne(self, name)
   local tree = self.tree
   if name == spec.LAYOUT_BEGIN then
      local done, problem = tree:create(name, self.begin)
      -- Whose a file is that has appeared meanwhile is seen by the next look.
      return done or not files.isAbsent(tree.root .. name) or nil, problem
   elseif self.kept[name] then
      return self.kept[name]:restore(function(fill) return tree:put(name, fill) end)
   end
   return true
end

-- Returns the artifacts that are missing.
local function missing(self)
   local names = {}
   for _, name in ipairs(self.tree.saved and self.tree:saved(self.kept) or {}) do
      if files.isAbsent(self.tree.root .. name) then names[#names + 1] = name end
   end
   return names
end

-- Restores what is missing, and says so.
local function restore(self, isThorough)
   self.problem = nil
   if self.isTaken or holdsAnother(self) then
      self.isTaken, self.problem = true, 'another experiment is there now, which is left alone'
      report(self, {spec.LAYOUT_BEGIN}, 'not restored: ' .. self.problem)
      return
   end
   local names, restored, told, isRestored = absent(self), {}, {}, {}
   local isMade, why = true, nil
   if #names > 0 then isMade, why = self.tree:makeAgain() end
   for _, name in ipairs(names) do
      local done, problem = isMade, why
      if done then done, problem = restoreOne(self, name) end
      if done then
         restored[#restored + 1], isRestored[name] = name, true
      else
         self.problem = self.problem or ('%s: %s'):format(text.shown(name), tostring(problem))
      end
   end
   if #restored > 0 then
      told[1] = 'restored: ' .. shown(restored)
      if self.tree.onRestored then self.tree:onRestored(isRestored) end
   end
   if #names > 0 or isThorough then
      self.missing = missing(self)
      local newly = {}
      for _, name in ipairs(self.missing) do
         names[#names + 1] = name
         if not self.reported[name] then newly[#newly + 1] = name end
      end
      if #newly > 0 then told[#told + 1] = 'lost, because there is no other copy: ' .. shown(newly) end
   end
   if self.problem then told[#told + 1] = 'not restored yet: ' .. self.problem end
   report(self, names, table.concat(told, '; '))
end

local function lostRows(self)
   local rows = 0
   for _, file in pairs(self.kept) do rows = rows + file.lostRows end
   return rows
end

--- Restore what is missing, at most once a second.
-- @int now the time
function Restorer:look(now)
   if self.looked == now then return end
   self.looked = now
   restore(self, false)
end

--- Restore what is missing.
-- @treturn boolean whether nothing is lost
function Restorer:check()
   restore(self, true)
   return not self.problem and #self.missing == 0 and lostRows(self) == 0
end

--- Restore what is missing, so that a new file can be put into place.
-- @treturn ?boolean true, or nil and a message: the folder cannot be restored, or is another experiment's
function Restorer:prepare()
   restore(self, false)
   return self:isWritable()
end

--- Say whether the folder is that of this experiment.
-- @treturn ?boolean true, or nil and a message
function Restorer:isWritable()
   if not self.isTaken and not files.isAbsent(self.tree.root .. spec.LAYOUT_BEGIN) then return true end
   return nil, self.problem or 'its folder was removed'
end

--- Check again, and add what is lost to the counts of end.json. A second call adds only what was lost since
-- the first.
-- @table lost the counts
-- @treturn boolean whether nothing is
function Restorer:settle(lost)
   local isWhole, rows = self:check(), lostRows(self)
   for name, file in pairs(self.kept) do
      if not isInPlace(self, name) then rows = rows + file.rows end
   end
   local rowsBefore, artifactsBefore = self.settledRows, self.settledArtifacts
   self.settledRows, self.settledArtifacts = rows, #self.missing
   lost[spec.LOSS_ROWS] = lost[spec.LOSS_ROWS] + rows - rowsBefore
   lost[spec.LOSS_ARTIFACTS] = lost[spec.LOSS_ARTIFACTS] + #self.missing - artifactsBefore
   if rows > rowsBefore then
      errors.warn(('%d rows cannot be restored after their files were removed or truncated in %s%s'):format(
         rows, self.tree.root, self.problem and (' (%s)'):format(self.problem) or ''))
   end
   return isWhole
end

--- Close the growing files.
function Restorer:close()
   for _, file in pairs(self.kept) do file:close() end
end

return restorer
