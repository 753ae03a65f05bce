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
   local self = setmetatable({counts = {}, said = {}}, Losses)
   for kind in pairs(SENTENCES) do self.counts[kind] = 0 end
   -- Cells and JSON report a kind and know nothing else of this module.
   self.report = function(kind, why) self:add(kind, why) end
   return self
end

--- Count a loss.
-- @string kind one of the LOSS_* of the spec
-- @string[opt] why told with the first of its kind
function Losses:add(kind, why)
   self.counts[kind] = self.counts[kind] + 1
   local reason = why and (' (%s)'):format(why) or ''
   self:sayOnce(kind, SENTENCES[kind] .. reason .. '; all such are counted in end.json, said only once')
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
