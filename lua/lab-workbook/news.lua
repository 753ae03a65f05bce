--- What a script's user is told of deliveries: a line when they fail, a line when they work again.
--
-- A hiccup is not worth a line, and a network that comes and goes all night is worth two a minute at most.
-- Times are whole seconds, because os.time() has no others.
--
-- @module lab-workbook.news

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'
local journal = require 'lab-workbook.journal'
local text = require 'lab-workbook.text'

local news = {}

local News = {}
News.__index = News

local HICCUP_SECONDS, QUIET_SECONDS = 2, 60

-- What each event of the journal means for its writer.
local HEAR = {
   started = function(self, line) self.uploader = tonumber(journal.field(line, 'pid')) end,
   trouble = function(self, line, now)
      if self.trouble then return end
      self.trouble, self.since = journal.field(line, 'message') or 'for an unknown reason', now
   end,
   refused = function(self, line)
      self.trouble, self.refusal = nil, journal.field(line, 'message') or 'refused'
      self.isRefused = true
   end,
   sealed = function(self, line)
      if self.isSealed then return end
      self.trouble, self.isSealed, self.sealedBy = nil, true, journal.field(line, 'by') or 'another process'
   end,
   recovered = function(self) self.trouble = nil end,
   claimed = function(self) self.trouble, self.journal.isClaimed = nil, true end,
   lost = function(self, line)
      -- A line that a full disk tore has no name.
      local name = journal.field(line, 'name')
      if not name then return end
      self.lost[name] = true
      local reason = journal.field(line, 'message') or 'for an unknown reason'
      self.firstLost = self.firstLost or ('%s: %s'):format(text.shown(name), reason)
   end,
   published = function(self, line)
      local name = journal.field(line, 'name')
      if name then self.lost[name] = nil end
   end,
   ended = function(self) self.trouble = nil end,
}

--- Return the news of a journal, from its beginning on.
-- Its `lost` has the artifacts that will never arrive, and were not saved again.
-- @tparam Journal source the journal
function news.new(source)
   return setmetatable({journal = source, position = 0, quietUntil = 0, lost = {}}, News)
end

--- Read what the journal says since the last time.
-- @int now the time
function News:read(now)
   local head, start = self.journal:head()
   -- Empty, or being compacted just now.
   if not head then return end
   if head ~= self.head then self.head, self.position, self.lost = head, start, {} end
   local whole = self.journal:from(self.position):match('^.*\n')
   -- Where it was compacted since, these bytes may begin anywhere in it.
   if not whole or self.journal:head() ~= head then return end
   self.position = self.position + #whole
   for line in whole:gmatch('([^\n]*)\n') do
      local hear = HEAR[line:match('"event": "(%l+)"')]
      if hear then hear(self, line, now) end
   end
end

--- Take note that the user was told of trouble in other words.
-- @int now the time
function News:wasSaid(now)
   -- A claim without any answer is trouble before the uploader reports it.
   if not self.trouble then self.trouble, self.since = 'no answer', now end
   self.isSaid, self.quietUntil = true, now + QUIET_SECONDS
end

--- Take note that everything has arrived; the journal may be gone before its last words were read.
function News:arrived()
   self.trouble = nil
end

--- Say what is to be said, if anything.
-- @int now the time
function News:tell(now)
   if self.refusal then
      errors.warn(('nothing will reach the bucket any more (%s); training goes on, the spool is kept'):format(
         self.refusal))
      self.refusal, self.isSaid = nil, false
   elseif self.sealedBy then
      errors.warn(('this experiment was sealed by %s; what it records from now on stays in %s'):format(
         self.sealedBy, (self.journal.path:gsub('%.lab%-workbook/journal$', ''))))
      self.sealedBy, self.isSaid = nil, false
   elseif self.firstLost and not self.isLossSaid then
      self.isLossSaid = true
      errors.warn(('an artifact was lost (%s); all such are counted in end.json, said only once'):format(
         self.firstLost))
   elseif self.trouble and not self.isSaid then
      if now - self.since >= HICCUP_SECONDS and now >= self.quietUntil then
         self:wasSaid(now)
         errors.warn(
            ('nothing reaches the bucket just now (%s); training goes on, and it is tried again'):format(
               self.trouble))
      end
   elseif self.isSaid and not self.trouble then
      self.isSaid = false
      errors.warn('deliveries to the bucket work again')
   end
end

return news
