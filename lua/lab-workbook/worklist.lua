--- The worklist: what is handed over to the worker in sh, which cannot read the queue's JSON.
--
--    prefix s3://my-bucket/experiments/
--    tag 201602122149-PMJ8a76csB
--    put 1 parameters.json
--    series Training loss.csv
--    flush 1
--    end {"ended": "2016-02-12T22:49:00Z", ...}
--
-- A line is a word, a space, and text as it is. Neither names nor settings hold line feeds, and names neither
-- begin nor end with a space. docs/aws-fallback.md is the contract.
--
-- @module lab-workbook.worklist

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'
local files = require 'lab-workbook.files'
local json = require 'lab-workbook.json'
local spec = require 'lab-workbook.spec'

local worklist = {}

worklist.LIST = spec.LAYOUT_RESERVED .. '/worklist'
local WORKER = spec.LAYOUT_RESERVED .. '/deliver'

-- Settings that go to the worker as they are, where they are set.
local SETTINGS = {
   'endpointUrl', 'profile', 'region', 'serverSideEncryption', 'kmsKeyId', 'storageClass', 'acl',
}

-- What the process is called that may end; '-' where the system does not tell.
local IDENTITY = {'pid', 'pidStarted', 'bootId', 'pidNamespace', 'pidImage'}

local function silent() end

local function outcome(ending)
   return json.encode({ended = ending.ended, error = ending.error, lost = ending.lost,
      outcome = ending.outcome}, silent)
end

-- How each line of the queue is spelled here.
local FORMS = {
   put = function(line) return line.outbox .. ' ' .. line.name end,
   series = function(line) return line.name end,
   flush = function(line) return ('%d'):format(line.id) end,
   ['end'] = outcome,
}

-- What end.json says of a script that vanished: nothing is known to be lost.
local function interrupted()
   local lost = {}
   for _, kind in ipairs{spec.LOSS_ROWS, spec.LOSS_ARTIFACTS, spec.LOSS_TEXTS, spec.LOSS_INTEGERS,
      spec.LOSS_SECRETS} do
      lost[kind] = 0
   end
   return json.encode({error = json.null, lost = lost, outcome = spec.OUTCOME_INTERRUPTED}, silent)
end

-- Returns the first lines: where everything goes, and who writes it.
local function head(config, begin, isExplicit)
   local lines = {
      'prefix ' .. tostring(config.bucketPrefix),
      'tag ' .. begin.tag,
      ('every %d'):format(math.ceil(config.uploadEvery)),
      'interrupted ' .. interrupted(),
   }
   if isExplicit then lines[#lines + 1] = 'explicit yes' end
   for _, key in ipairs(SETTINGS) do
      -- A setting may come from anywhere, and a line feed in it would begin a line of its own.
      if config[key] then lines[#lines + 1] = key .. ' ' .. config[key]:gsub('%c', '') end
   end
   local process = {}
   for index, key in ipairs(IDENTITY) do process[index] = begin[key] and tostring(begin[key]) or '-' end
   lines[#lines + 1] = 'process ' .. table.concat(process, ' ')
   return table.concat(lines, '\n') .. '\n'
end

--- Write the worker into a spool.
-- @tparam Spool spool where
-- @treturn ?boolean true, or nil and a message
function worklist.putWorker(spool)
   return spool:put(WORKER, function(path)
      return files.write(path, require 'lab-workbook.awsworker')
   end)
end

--- Write the worker and the beginning of its list into a spool.
-- @tparam Spool spool where
-- @table config the settings
-- @table begin the document of begin.json
-- @bool isExplicit whether the caller chose the tag
-- @treturn ?AppendFile the list; nil and a message where the disk refuses
function worklist.open(spool, config, begin, isExplicit)
   local done, problem = worklist.putWorker(spool)
   if not done then return nil, problem end
   if config.addressingStyle ~= spec.CONFIG_DEFAULTS.addressingStyle then
      errors.warn(('the aws command has a setting of its own for addressingStyle:'
         .. ' aws configure set s3.addressing_style %s'):format(config.addressingStyle))
   end
   spool.listed = head(config, begin, isExplicit)
   local list = spool:grow(worklist.LIST, function()
      local puts = {}
      for _, line in pairs(spool.listedPuts) do puts[#puts + 1] = line end
      return spool.listed .. table.concat(puts)
   end)
   list.canBeginAnew, list.isKnown = true, true
   spool.restorer:keep(worklist.LIST, list)
   if not list.ready then return nil, 'no worklist' end
   return list
end

--- Return a line of the list.
-- @string verb as in the queue
-- @table line its line of the queue
function worklist.line(verb, line)
   return ('%s %s\n'):format(verb, FORMS[verb](line))
end

--- Return where the worker of a spool lies.
-- @string root the spool
function worklist.worker(root)
   return root .. WORKER
end

return worklist
