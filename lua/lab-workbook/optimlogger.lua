--- optim.Logger's methods over a series, so that a script which has such a logger changes one line.
--
--    local logger = workbook:optimLogger('test')         -- was: optim.Logger('test.log')
--    logger:setNames{'training error', 'test error'}
--    logger:add{0.25, 0.5}                               -- or logger:add{['test error'] = 0.5}
--
-- optim.Logger keeps five digits, writes named columns in any order and shifts a row whose value is missing.
-- Here numbers are exact, names are sorted, and a first field `row` counts from 1.
--
-- @module lab-workbook.optimlogger

require 'lab-workbook.interpreted'(true, true)

local errors = require 'lab-workbook.errors'
local numbers = require 'lab-workbook.numbers'
local spec = require 'lab-workbook.spec'
local text = require 'lab-workbook.text'

local optimlogger = {}

local ROW = 'row'

-- A script whose names never come to an end must not fill the experiment with series.
local MOST_SERIES = 10

local NO_PLOT = 'plot, style and setlogscale of an optimLogger draw nothing:'
   .. ' `lab-workbook report` makes curves, also while the script runs'

local Logger = {}
Logger.__index = Logger

--- Return a logger.
-- @string name as the script knows it
-- @func open given fields and how many series there are with this one, returns the log of a series
-- @func sayOnce warns, once about each key
function optimlogger.new(name, open, sayOnce)
   return setmetatable({
      -- The fields of optim.Logger that scripts set and read.
      name = name, symbols = {}, styles = {}, names = {}, idx = {}, empty = true, showPlot = true,
      defaultStyle = '+', logscale = false,
      _open = open, _sayOnce = sayOnce, _keys = {}, _titles = {}, _taken = {}, _rows = 0, _series = 0,
   }, Logger)
end

-- Returns the name of a column: never one that we add ourselves, and never twice.
local function title(self, name)
   local given = type(name) == 'number' and numbers.text(name) or name
   if type(given) ~= 'string' then
      errors.misuse('series.fields', ('%s: the name of a column is a text or a number, not %s'):format(
         text.shown(self.name), type(name)))
   end
   while given == '' or given == ROW or given == spec.SERIES_DATE_FIELD or self._taken[given] do
      given = given .. '_'
   end
   self._taken[given] = true
   return given
end

-- Takes a column into use; the next row opens a series that has it.
local function learn(self, key, name)
   self._titles[key] = title(self, name)
   self._keys[#self._keys + 1] = key
   self.symbols[key], self.styles[key] = {}, {self.defaultStyle}
   self.names[key], self.idx[name] = name, key
   self._log = nil
end

-- Numbers first, as they count, then texts, by their bytes.
local function before(left, right)
   if type(left) ~= type(right) then return type(left) == 'number' end
   if type(left) == 'number' then return left < right end
   return text.before(left, right)
end

-- Returns the keys of a row that are not known yet, in one order whatever pairs() says.
local function unknown(self, symbols)
   local list = {}
   for key in pairs(symbols) do
      if self._titles[key] == nil and self.idx[key] == nil then list[#list + 1] = key end
   end
   for _, key in ipairs(list) do
      if type(key) ~= 'string' and type(key) ~= 'number' then title(self, key) end
   end
   table.sort(list, before)
   return list
end

-- Returns the log of a series with all columns that are known, which is a further one if there are new ones.
local function logOf(self)
   if self._log then return self._log end
   if self._series == MOST_SERIES then
      errors.misuse('series.fields', ('%s has had new columns %d times: give all by setNames{...} at first'
         ):format(text.shown(self.name), MOST_SERIES))
   end
   local fields = {ROW}
   for _, key in ipairs(self._keys) do fields[#fields + 1] = self._titles[key] end
   self._log = self._open(fields, self._series + 1)
   self._series = self._series + 1
   if self._series > 1 then
      self._sayOnce('columns ' .. self.name, ('%s has new columns: its rows go on in a series of their own'
         ):format(text.shown(self.name)))
   end
   return self._log
end

--- Name the columns of rows that are lists.
-- Called again with other names, it makes the rows that follow go into a further series.
-- @tparam {string} names one for each place
-- @return the logger
function Logger:setNames(names)
   local isSame = #names == #self._keys and #names > 0
   for place, name in ipairs(names) do isSame = isSame and self.names[place] == name end
   if isSame then return self end
   self._keys, self._titles, self._taken, self._log = {}, {}, {}, nil
   self.names, self.idx, self.symbols, self.styles = {}, {}, {}, {}
   for place, name in ipairs(names) do learn(self, place, name) end
   self.nsymbols, self.empty = #names, false
   return self
end

--- Append a row.
-- @table symbols values by name, or a list after setNames; what is left out is missing
function Logger:add(symbols)
   if type(symbols) ~= 'table' then
      errors.misuse('series.row', ('add takes a table such as {loss = 0.5}, not %s'):format(type(symbols)))
   end
   for _, key in ipairs(unknown(self, symbols)) do learn(self, key, key) end
   if self.empty then self.nsymbols, self.empty = #symbols, false end
   local log, row = logOf(self), {[ROW] = self._rows + 1}
   for key, value in pairs(symbols) do
      -- A name of setNames stands for its place.
      local known = self._titles[key] ~= nil and key or self.idx[key]
      row[self._titles[known]] = value
   end
   log(row)
   self._rows = self._rows + 1
   for key, value in pairs(symbols) do
      local list = self.symbols[self._titles[key] ~= nil and key or self.idx[key]]
      list[#list + 1] = value
   end
end

--- Take note of styles, which nothing here draws.
-- @table symbols a text or a list of texts for each column
-- @return the logger
function Logger:style(symbols)
   for name, style in pairs(symbols) do
      self.styles[name] = type(style) == 'string' and {style} or style
   end
   return self
end

--- Take note of the scale, which nothing here draws.
-- @bool value whether it is logarithmic
function Logger:setlogscale(value)
   self.logscale = value
end

--- Draw nothing, and say so once.
function Logger:plot()
   self._sayOnce('plot', NO_PLOT)
end

return optimlogger
