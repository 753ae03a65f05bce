--- What the disk of a spool keeps free for rows and documents.
-- Checkpoints fill a disk within minutes where the network is too slow for them, and then the rows, which
-- are a thousandth of their size, would be lost as well. So a large artifact is refused when it would leave
-- less than the reserve.
-- @module lab-workbook.reserve

require 'lab-workbook.interpreted'(true, true)

local files = require 'lab-workbook.files'
local shell = require 'lab-workbook.shell'
local spec = require 'lab-workbook.spec'

local reserve = {}

-- Returns how many KiB the disk of a file has in all, and how many are free; nil where df does not tell.
local function disk(path)
   local output = shell.read(shell.command('LC_ALL=C df -Pk -- %s 2>/dev/null', path))
   local total, free = output:match('\n[^\n]- (%d+) +%d+ +(%-?%d+) +%d+%%')
   return tonumber(total), tonumber(free)
end

--- Refuse a file that was just written, if it is large and has taken what rows need.
-- How large it would become is known to nobody before: Torch writes files itself.
-- @string path the file
-- @string name the artifact
-- @treturn ?boolean true, or nil and a message
function reserve.check(path, name)
   local suffix = spec.KIND_JSON_SUFFIX
   if name:sub(-#suffix) == suffix or (files.size(path) or 0) <= spec.SPOOL_SMALL_BYTES then return true end
   local total, free = disk(path)
   if not free then return true end
   local kept = math.min(spec.SPOOL_RESERVE_BYTES / 1024, math.floor(total / spec.SPOOL_RESERVE_DIVISOR))
   if free >= kept then return true end
   return nil, ('the last %d KiB of the disk of the spool are kept for rows and documents'):format(kept)
end

return reserve
