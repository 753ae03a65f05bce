--- What a row costs in Lua, against the least that could be done: %.17g, concat, one write, a cached date.
--
--    LUA_PATH='lua/?.lua;lua/?/init.lua;;' luajit benchmarks/lua_row.lua FOLDER
--
-- The two take turns in one process, so that whatever else the machine does meets both alike. Each line of
-- the output is `name<TAB>our seconds a row<TAB>the floor's`, medians of many short turns.

local labWorkbook = require 'lab-workbook'

local ROWS_A_TURN = 500
local TURNS = 120

local folder = arg[1]

-- Returns a list of rows: an epoch, a count, and numbers that need all their digits, as losses do.
local function rowsOf(fields)
   local rows, x = {}, 0.5
   for index = 1, ROWS_A_TURN do
      local row = {}
      for place, field in ipairs(fields) do
         -- The logistic map: digits without end, and the same ones in each run.
         x = 3.999 * x * (1 - x)
         row[field] = place == 1 and index / 8 or place == 2 and index * 100 or x
      end
      rows[index] = row
   end
   return rows
end

local function floorOf(path, fields)
   local file = io.open(path, 'wb')
   file:setvbuf('no')
   local format, concat, time, date = string.format, table.concat, os.time, os.date
   local count, second, ending = #fields, nil, nil
   return function(row)
      local line = {}
      for index = 1, count do line[index] = format('%.17g', row[fields[index]]) end
      local now = time()
      if now ~= second then
         second, ending = now, date('!%Y-%m-%dT%H:%M:%SZ\n', now)
      end
      line[count + 1] = ending
      file:write(concat(line, ','))
   end
end

local function seconds(log, rows)
   local start = os.clock()
   for index = 1, #rows do log(rows[index]) end
   return (os.clock() - start) / #rows
end

local function median(list)
   table.sort(list)
   return list[math.ceil(#list / 2)]
end

-- Returns our time a row and the floor's.
local function measure(ours, floor, rows)
   local spent, least = {}, {}
   for turn = 1, TURNS do
      spent[turn] = seconds(ours, rows)
      least[turn] = seconds(floor, rows)
   end
   return median(spent), median(least)
end

local workbook = labWorkbook:newExperiment{bucketPrefix = folder}
for _, count in ipairs{1, 4, 20} do
   local fields = {}
   for index = 1, count do fields[index] = 'field ' .. index end
   local name = count == 1 and '1 field' or count .. ' fields'
   local ours = workbook:newTimeSeriesLog(name, fields)
   local spent, least = measure(ours, floorOf(folder .. '/floor', fields), rowsOf(fields))
   print(('%s\t%.9f\t%.9f'):format(name, spent, least))
end
workbook:close()
