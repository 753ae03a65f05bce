--- What did not reach the disk, or not as it was given: said once, counted, and told in end.json.
-- A training script is never stopped for any of it.
-- @module lab-workbook.losses

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'
local spec = require 'lab-workbook.spec'
local text = require 'lab-workbook.text'

local losses = {}

local SENTENCES = {
   [spec.LOSS_ROWS] = 'a row was lost',
   [spec.LOSS_ARTIFACTS] = 'an artifact was lost',
   [spec.LOSS_TEXTS] = 'a text was not valid UTF-8 or held NUL, and was written with U+FFFD in those places',
   [spec.LOSS_INTEGERS] = 'an integer beyond 64 bits was written as the nearest floating-point number',
   [spec.LOSS_SECRETS] = 'what looks like a secret was written as ' .. spec.SECRET_MARK,
}

local Losses = {}
Losses.__index = Losses

--- Return the losses of one workbook.
function losses.new()
   -- Rows and artifacts that are not stored, by the name of an artifact that may be saved again, or ''.
   local lost = {[spec.LOSS_ROWS] = {}, [spec.LOSS_ARTIFACTS] = {}}
   local self = setmetatable({counts = {}, said = {}, lost = lost}, Losses)
   for kind in pairs(SENTENCES) do self.counts[kind] = 0 end
   -- Cells and JSON report a kind and know nothing else of this module.
   self.report = function(kind, why) self:add(kind, why) end
   return self
end

--- Count a loss.
-- @string kind one of the LOSS_* of the spec
-- @string[opt] why told with the first of its kind
-- @string[opt] name the artifact that was not saved
function Losses:add(kind, why, name)
   self.counts[kind] = self.counts[kind] + 1
   if self.lost[kind] then self.lost[kind][name or ''] = true end
   local reason = why and (' (%s)'):format(why) or ''
   self:sayOnce(kind, SENTENCES[kind] .. reason .. '; all such are counted in end.json, said only once')
end

--- Note that an artifact is stored: an earlier version that was lost is replaced.
-- @string name the artifact
function Losses:noteSaved(name)
   self.lost[spec.LOSS_ARTIFACTS][name] = nil
end

--- Return whether no row was lost, and every artifact that was lost has been saved again.
-- @treturn boolean
function Losses:isWhole()
   return not next(self.lost[spec.LOSS_ROWS]) and not next(self.lost[spec.LOSS_ARTIFACTS])
end

--- Count secrets that were cut, and say once below which names.
-- @string where the artifact
-- @tparam {string} names what they were found under, one for each
-- @string[opt] advice how to keep them
function Losses:addSecrets(where, names, advice)
   if #names == 0 then return end
   self.counts[spec.LOSS_SECRETS] = self.counts[spec.LOSS_SECRETS] + #names
   local told, known = {}, {['']= true}
   for _, name in ipairs(names) do
      if not known[name] and #told < 8 then told[#told + 1] = text.shown(name) end
      known[name] = true
   end
   local under = #told > 0 and (' (%s)'):format(table.concat(told, ', ')) or ''
   local message = ('%s in %s%s%s'):format(SENTENCES[spec.LOSS_SECRETS], where, under, advice or '')
   self:sayOnce(message, message)
end

--- Warn, if nothing was said about this before.
-- @string about a key
-- @string message the line
function Losses:sayOnce(about, message)
   if self.said[about] then return end
   self.said[about] = true
   errors.warn(message)
end

return losses
