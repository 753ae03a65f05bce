--- A time series: a CSV file that grows by a row a call.
--
--    local log = workbook:newTimeSeriesLog('Training loss', {'epoch', 'loss'})
--    log{epoch = 1, loss = 0.25}
--
-- The log is a plain function, and the one thing of ours that a training loop calls again and again.
-- benchmarks/lua_row.py watches over its cost.
--
-- @module lab-workbook.series

local cells = require 'lab-workbook.cells'
local dates = require 'lab-workbook.dates'
local errors = require 'lab-workbook.errors'
local numbers = require 'lab-workbook.numbers'
local redaction = require 'lab-workbook.redaction'
local secretnames = require 'lab-workbook.secretnames'
local spec = require 'lab-workbook.spec'
local text = require 'lab-workbook.text'

local series = {}

local concat, next, type, time, getmetatable = table.concat, next, type, os.time, getmetatable

-- Returns what is wrong with a field, or nil.
local function fault(field, seen)
   if type(field) ~= 'string' then return ('is a %s, not a text'):format(type(field)) end
   if field == '' then return 'is empty' end
   if field == spec.SERIES_DATE_FIELD then return 'is added by the workbook itself: choose another name' end
   if seen[field] then return 'is there twice' end
   if field:find('%z') or not text.isUtf8(field) then return 'is not valid UTF-8, or holds NUL' end
   return nil
end

local function refuse(name, message)
   errors.misuse('series.fields', ('%s: %s'):format(text.shown(name), message))
end

--- Return a copy of the fields of a series; raises for those that break the rule series.fields.
-- @string name the series, for messages
-- @tparam {string} fields a list; numbers in it stay the keys of rows, as `log{10, 20}` has them
-- @treturn {string} keys of a row
-- @treturn {string} their names in the header
function series.checkFields(name, fields)
   if type(fields) ~= 'table' then
      refuse(name, ('the fields are a list of texts, not %s: %s'):format(type(fields), text.shown(fields)))
   end
   local keys, titles, seen = {}, {}, {}
   for index = 1, #fields do
      local key = fields[index]
      local title = type(key) == 'number' and numbers.text(key) or key
      local why = fault(title, seen)
      if why then refuse(name, ('the field %s %s'):format(text.shown(title), why)) end
      keys[index], titles[index], seen[title] = key, title, true
   end
   if #keys == 0 then refuse(name, 'a series has at least one field') end
   for key in next, fields do
      if type(key) ~= 'number' then
         refuse(name, ('the fields are a list of texts, and %s is a key of a table'):format(text.shown(key)))
      end
   end
   return keys, titles
end

--- Return the number of rows after which a series is published, or nil (rule series.save-every).
-- @string name the series, for messages
-- @param rows a whole number of at least 1, also as a text, or nil
function series.checkSaveEvery(name, rows)
   if rows == nil then return nil end
   -- The ancestor took "2" as 2.
   local count = type(rows) == 'string' and numbers.read(rows) or rows
   if type(count) ~= 'number' or count < 1 or count % 1 ~= 0 or count >= spec.SERIES_EXACT_INTEGER_MAX then
      errors.misuse('series.save-every', ('%s: saveEvery is a whole number of at least 1, not %s'):format(
         text.shown(name), text.shown(rows)))
   end
   -- Not by arithmetic, which makes a float of a text in Lua 5.3; no uploader takes that for rows.
   return tonumber(('%d'):format(count))
end

--- Return the first line of a series (rule series.header).
-- @tparam {string} titles the names of its fields
function series.header(titles)
   local line = {}
   for index, title in ipairs(titles) do line[index] = cells.fieldName(title) end
   line[#line + 1] = spec.SERIES_DATE_FIELD
   return concat(line, ',') .. '\n'
end

-- Raises because a row is no table.
local function refuseRow(name, keys, row)
   errors.misuse('series.row', ('a row of %s is a table such as {%s = 1}, not %s: %s'):format(
      text.shown(name), tostring(keys[1]), type(row), text.shown(row)))
end

-- Raises if a row has a key that is no field.
local function checkKeys(name, keys, row)
   local known = {}
   for _, key in ipairs(keys) do known[key] = true end
   for key in next, row do
      if not known[key] then
         local titles = {}
         for index, title in ipairs(keys) do titles[index] = tostring(title) end
         errors.misuse('series.row', ('%s has no field %s; it has: %s'):format(
            text.shown(name), text.shown(key), concat(titles, ', ')))
      end
   end
end

-- Returns a function that gives the end of a row, made once a second.
local function clock()
   local second, ending
   return function()
      local now = time()
      if now ~= second then
         second, ending = now, dates.text(now) .. '\n'
      end
      return ending, now
   end
end

-- Returns a plain copy of a row, with what its metamethods give for the fields; the caller's table is not
-- ours.
local function copied(keys, row)
   local copy = {}
   for key, value in next, row do copy[key] = value end
   for _, key in ipairs(keys) do copy[key] = row[key] end
   return copy
end

--- Return a function that gives the text of a row. It never touches the caller's table.
-- @string name the series, for messages
-- @tparam {string} keys the fields
-- @func report called when a cell had to be mended
function series.rowWriter(name, keys, report)
   -- What was mended in rows that are not whole yet: if one is refused, nothing was. Each call has those
   -- behind `before`, because a signal handler or a metamethod may log in the middle of it.
   local mended, last = {}, 0
   local formats = cells.formats(function(kind)
      last = last + 1
      mended[last] = kind
   end)
   local count, refresh, ending = #keys, numbers.refresh, clock()
   return function(row)
      local before = last
      if type(row) ~= 'table' then refuseRow(name, keys, row) end
      refresh()
      -- A new table, because a signal handler or a metamethod of the row may log in the middle of this.
      local line, present = {}, 0
      for index = 1, count do
         local value = row[keys[index]]
         if value ~= nil then present = present + 1 end
         line[index] = formats[type(value)](value)
      end
      local given = 0
      for _ in next, row do given = given + 1 end
      if given ~= present or getmetatable(row) then checkKeys(name, keys, row) end
      local date, now = ending()
      line[count + 1] = date
      if last > before then
         for index = before + 1, last do report(mended[index]) end
         last = before
      end
      return concat(line, ','), now
   end
end

--- Return a function that gives the text of a row without the secrets in the fields that are named like one.
-- It is `rowText` itself where no field is, because all series would pay for a test in each row.
-- @tparam {string} keys the keys of a row
-- @tparam {string} titles the names of the fields
-- @func rowText from `rowWriter`
-- @func report called with the field of each secret
function series.withoutSecrets(keys, titles, rowText, report)
   local secret = {}
   for index, title in ipairs(titles) do
      if secretnames.isSecret(title) then secret[#secret + 1] = index end
   end
   if #secret == 0 then return rowText end
   return function(row)
      if type(row) ~= 'table' then return rowText(row) end
      local copy
      local found = {}
      for _, index in ipairs(secret) do
         local key = keys[index]
         local value = row[key]
         local kept, count = value, 0
         if type(value) == 'string' then kept, count = redaction.cell(titles[index], value) end
         if count > 0 then
            copy = copy or copied(keys, row)
            copy[key] = kept
            found[#found + 1] = titles[index]
         end
      end
      local line, second = rowText(copy or row)
      -- Not before: a row that is refused has lost nothing.
      for _, title in ipairs(found) do report(title) end
      return line, second
   end
end

return series
