--- Room for end.json: a file that keeps some of a disk free until the experiment ends.
--
-- Others may fill the disk meanwhile. Without an end.json a finished experiment would be taken for a lost
-- one, and the rows that the disk refused would be counted nowhere.
--
-- @module lab-workbook.endingroom

require 'lab-workbook.interpreted'(true, true)

local files = require 'lab-workbook.files'
local spec = require 'lab-workbook.spec'

local endingroom = {}

local EndingRoom = {}
EndingRoom.__index = EndingRoom

local BLOCK = (' '):rep(spec.FOLDER_ENDING_BLOCK_BYTES)

--- Return the room that a file keeps: a block, and more where many files have to be listed.
-- @string path the file
function endingroom.new(path)
   return setmetatable({path = path, needed = 0, kept = 0}, EndingRoom)
end

--- Keep room for the entry of one more file. A disk that is full already has none.
-- @string[opt] name the artifact
function EndingRoom:keep(name)
   -- Twice the name: it is in the list for sha256sum as well.
   if name then self.needed = self.needed + spec.FOLDER_ENDING_ENTRY_BYTES + 2 * #name end
   while self.kept <= self.needed do
      self.kept = self.kept + #BLOCK
      files.append(self.path, BLOCK)
   end
end

--- Keep the same room again after the file was removed.
function EndingRoom:restore()
   if self.kept == 0 or not files.isAbsent(self.path) then return end
   self.kept = 0
   self:keep()
end

--- Give the room to end.json.
function EndingRoom:free()
   self.kept = 0
   os.remove(self.path)
end

return endingroom
