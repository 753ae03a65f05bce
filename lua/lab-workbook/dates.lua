--- The time as all files spell it: 2016-02-12T22:17:34Z.
-- @module lab-workbook.dates

require 'lab-workbook.interpreted'(true, true)

local spec = require 'lab-workbook.spec'

local dates = {}

--- Return a time in UTC.
-- @int[opt] time as os.time() gives it; now by default
function dates.text(time)
   -- Some time zone files count leap seconds and say ':60', which most readers refuse.
   return (os.date('!' .. spec.SERIES_DATE_FORMAT, time):gsub(':60Z$', ':59Z'))
end

return dates
