-- A script that records texts in one place of an experiment: record.lua PLACE FILE, where FILE has a text in each line, its
-- line ends as \1. What stands in the environment and on the command line was put there by whoever starts it.

local labWorkbook = require 'lab-workbook'

local place, path = arg[1], arg[2]
local texts = {}
for line in io.lines(path) do texts[#texts + 1] = (line:gsub('\1', '\n')) end

local PLACES = {
   ['JSON values'] = function(workbook) workbook:saveJSON('values', {texts = texts, deep = {{a = texts}}}) end,
   ['JSON keys'] = function(workbook)
      local keys = {}
      for _, text in ipairs(texts) do keys[text] = 1 end
      workbook:saveJSON('keys', {deep = keys})
   end,
   series = function(workbook)
      local fields, seen = {}, {}
      for _, text in ipairs(texts) do
         if not seen[text] then fields[#fields + 1] = text end
         seen[text] = true
      end
      workbook:newTimeSeriesLog('fields', fields)
      local log = workbook:newTimeSeriesLog('cells', {'step', 'password'})
      for step, text in ipairs(texts) do log{step = step, password = text} end
   end,
   environment = function(workbook) workbook:saveEnvironment() end,
   command = function(workbook) workbook:saveEnvironment() end,
   source = function(workbook) workbook:saveGitStatus() end,
}

if place == 'note' then
   labWorkbook:newExperiment{note = table.concat(texts, '\n')}:close()
else
   local workbook = labWorkbook:newExperiment{}
   PLACES[place](workbook)
   workbook:close()
end
