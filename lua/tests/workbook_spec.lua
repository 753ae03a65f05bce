-- The promises of the rock, for people of the Lua world; lua/tests/test_*.py has the others.

local labWorkbook = require 'lab-workbook'

local function read(path)
   local file = assert(io.open(path, 'rb'))
   local content = file:read('*a')
   file:close()
   return content
end

describe('a workbook', function()
   local workbook, folder

   before_each(function()
      folder = os.tmpname()
      os.remove(folder)
      workbook = labWorkbook:newExperiment{bucketPrefix = folder, tag = 'T'}
   end)

   after_each(function()
      workbook:close()
      os.execute("rm -rf '" .. folder .. "'")
   end)

   it('says where it lies', function()
      assert.equal('file://' .. folder .. '/T/', workbook.where)
   end)

   it('saves a table as JSON', function()
      workbook:saveJSON('parameters', {learningRate = 0.001, momentum = 0.9})

      assert.equal('{"learningRate": 0.001, "momentum": 0.9}', read(folder .. '/T/parameters.json'))
   end)

   it('leaves the caller\'s list of fields alone', function()
      local fields = {'epoch', 'loss'}

      workbook:newTimeSeriesLog('Training loss', fields)

      assert.same({'epoch', 'loss'}, fields)
   end)

   it('refuses a name that leaves the experiment', function()
      assert.has_error(function() workbook:saveText('../x', 'y') end,
         "lab-workbook: '../x' cannot be a name: the parts between slashes must not be empty, '.' or '..'"
         .. ' (rule name.parts)')
   end)

   it('is over when it is closed', function()
      workbook:close()

      assert.has_error(function() workbook:saveText('x', 'y') end)
      assert.truthy(read(folder .. '/T/.lab-workbook/end.json'):find('"outcome": "finished"', 1, true))
   end)
end)

describe('a time series log', function()
   local workbook, folder

   before_each(function()
      folder = os.tmpname()
      os.remove(folder)
      workbook = labWorkbook:newExperiment{bucketPrefix = folder, tag = 'T'}
   end)

   after_each(function()
      workbook:close()
      os.execute("rm -rf '" .. folder .. "'")
   end)

   it('has a row in its file when the call has returned', function()
      local log = workbook:newTimeSeriesLog('loss', {'epoch', 'loss', 'note'})

      log{epoch = 1, loss = 0.1, note = 'say "no"'}

      local header, row = read(folder .. '/T/loss.csv'):match('^(.-)\n(.-)\n$')
      assert.equal('epoch,loss,note,Date', header)
      assert.truthy(row:find('^1,0%.1,"say ""no""",%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$'))
   end)

   it('refuses a field that it does not have', function()
      local log = workbook:newTimeSeriesLog('loss', {'epoch'})

      assert.has_error(function() log{epcoh = 1} end,
         "lab-workbook: 'loss' has no field 'epcoh'; it has: epoch (rule series.row)")
   end)
end)
