--- Record an experiment as plain files, in a folder or in S3.
--
--    local labWorkbook = require 'lab-workbook'
--    local workbook = labWorkbook:newExperiment{note = 'first try'}
--    workbook:saveJSON('parameters', {learningRate = 0.001})
--    local lossLog = workbook:newTimeSeriesLog('Training loss', {'epoch', 'loss'})
--    lossLog{epoch = 1, loss = 0.25}
--    workbook:close()
--
-- @module lab-workbook

local config = require 'lab-workbook.config'
local dates = require 'lab-workbook.dates'
local errors = require 'lab-workbook.errors'
local folder = require 'lab-workbook.folder'
local json = require 'lab-workbook.json'
local nowhere = require 'lab-workbook.nowhere'
local process = require 'lab-workbook.process'
local sizelimit = require 'lab-workbook.sizelimit'
local redaction = require 'lab-workbook.redaction'
local spec = require 'lab-workbook.spec'
local spool = require 'lab-workbook.spool'
local tag = require 'lab-workbook.tag'
local terminal = require 'lab-workbook.terminal'
local text = require 'lab-workbook.text'
local Workbook = require 'lab-workbook.workbook'

local labWorkbook = {
   version = '1.1.0',
   --- The value that becomes null in JSON, and a missing cell.
   null = json.null,
   --- The value that becomes `[]` in JSON, where `{}` is an object.
   emptyArray = json.emptyArray,
}

-- The options that are no settings.
local OWN_OPTIONS = {'note', 'resumes', 'tag'}

-- Raises for an option that nobody knows: a misspelt one would be ignored without a word.
local function checkOptions(options)
   local known, list = {}, config.keys()
   for _, key in ipairs(OWN_OPTIONS) do list[#list + 1] = key end
   for _, key in ipairs(list) do known[key] = true end
   table.sort(list, text.before)
   for key in next, options do
      if not known[key] then
         errors.refuse(('newExperiment has no option %s; it has: %s'):format(
            text.shown(key), table.concat(list, ', ')))
      end
   end
   for _, key in ipairs{'note', 'resumes'} do
      local value = options[key]
      if value ~= nil and (type(value) ~= 'string' or not text.isUtf8(value)) then
         errors.misuse('begin.optional', ('%s = %s: it must be a text in UTF-8'):format(
            key, text.shown(value)))
      end
   end
   if options.resumes ~= nil then tag.check(options.resumes) end
end

-- Returns a function that gives the document of begin.json, once the namespace of process ids is known.
local function beginner(chosen, nonce, note, resumes)
   return function(namespace)
      local document = process.identity(namespace)
      document.protocol = spec.PROTOCOL_NAME .. ' ' .. spec.PROTOCOL_VERSION
      document.tag = chosen
      document.writer = 'lab-workbook-lua ' .. labWorkbook.version
      document.runtime = process.runtime()
      document.started = dates.text()
      document.nonce = nonce
      document.note = note
      document.resumes = resumes
      return document
   end
end

-- Returns the options of a call with a colon, with a dot, or with nothing at all.
local function optionsOf(first, second)
   local options = first
   if first == labWorkbook or first == nil then options = second end
   if options == nil then return {} end
   if type(options) ~= 'table' then
      errors.refuse(('newExperiment takes a table of options, such as {note = "first try"}, not %s'):format(
         type(options)))
   end
   return options
end

local function claim(options)
   local settings = config.load(options)
   redaction.addPatterns(settings.redact)
   sizelimit.prepare()
   local chosen = options.tag ~= nil and tag.check(options.tag) or tag.new()
   local nonce = tag.randomText(spec.BEGIN_NONCE_LENGTH)
   local note, secrets = options.note, 0
   if note then note, secrets = redaction.text(note) end
   local begin = beginner(chosen, nonce, note, options.resumes)
   if settings.bucketPrefix.kind == 's3' then
      return chosen, spool.claim(settings, chosen, nonce, options.tag ~= nil, begin), secrets
   end
   return chosen, folder.claim(settings.bucketPrefix, chosen, settings.exitMax, begin), secrets
end

--- Start an experiment, and print its tag.
-- Options: `bucketPrefix`, `tag`, `note`, `resumes`, `endpointUrl`, `profile`, `region`, `addressingStyle`,
-- `serverSideEncryption`, `kmsKeyId`, `storageClass`, `acl`, `uploadEvery`, `exitTimeout`, `exitMax`,
-- `uploader`, `spoolDir`, `redact`. What is left out comes from the environment, from
-- ~/.lab-workbook-config, or is
-- the default: file://~/lab-workbook/.
-- Raises if a setting cannot be used, the tag is taken, or the folder or the bucket says no.
-- @tparam[opt] table options
-- @treturn Workbook
function labWorkbook.newExperiment(self, options)
   options = optionsOf(self, options)
   checkOptions(options)
   if config.isDisabled() then
      return Workbook.new(options.tag ~= nil and tag.check(options.tag) or tag.new(),
         nowhere.new('disabled:', function() end))
   end
   local chosen, place, secrets = claim(options)
   terminal.announce(chosen, place.where)
   local workbook = Workbook.new(chosen, place)
   workbook:addSecrets('the note', secrets)
   return workbook
end

return labWorkbook
