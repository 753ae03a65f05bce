--- The files of one experiment below a local folder: what `folder` and `spool` share.
--
-- Functions return true, or nil and a message. A save is given a function that writes the file, because
-- Torch and git write files of their own: `fill(path)` returns true, or nil and a message.
--
-- @module lab-workbook.tree

require 'lab-workbook.interpreted'(true, true)

local appendfile = require 'lab-workbook.appendfile'
local files = require 'lab-workbook.files'
local shell = require 'lab-workbook.shell'
local spec = require 'lab-workbook.spec'
local spelling = require 'lab-workbook.spelling'
local tag = require 'lab-workbook.tag'

local tree = {}

local Tree = {}
Tree.__index = Tree
tree.Tree = Tree

--- Make the fields of a tree in a table whose class builds on it.
-- @table self the object
-- @string root an absolute path that ends with a slash
function tree.init(self, root)
   self.root = root
   self.temporaries = 0
   -- Two that claim one tag write into one folder for a moment, and must not take each other's file.
   self.mark = tag.randomText(8)
   -- By the names that the script gives, those that the file system gives, with a slash.
   self.folders = {[''] = ''}
   -- By the names that the file system gives, those that the script gives.
   self.written = {}
   -- The names among them that are new since the last sync, and the files that grow.
   self.unsynced = {}
   self.growing = {}
   -- Names that the file system confuses with other ones, and why they are refused.
   self.aliased = {}
end

--- Let a function write a new file among the working files.
-- @func fill writes the file at the path it is given
-- @treturn ?string its path, or nil and a message
function Tree:writeTemporary(fill)
   self.temporaries = self.temporaries + 1
   local path = ('%s%s%s-%d'):format(self.root, spec.LAYOUT_TMP, self.mark, self.temporaries)
   -- Without a call that fails we would leave a file behind that nobody knows of.
   local ran, done, problem = pcall(fill, path)
   if ran and done then return path end
   os.remove(path)
   if not ran then error(done, 0) end
   return nil, problem
end

--- Forget which folders were made: they were removed.
function Tree:forgetFolders()
   self.folders = {[''] = ''}
end

-- Makes the folder that a new name lies in, and returns the name as the file system spells it, or nil and a
-- message: some take `train/` for `Train/`, and `é` for `É`, which must not be replaced.
local function spell(self, name)
   local folder, last = name:match('^(.*)/([^/]*)$')
   folder, last = folder or '', last or name
   local spelled = self.folders[folder]
   if not spelled then
      spelled = spelling.makeFolder(self.root, folder)
      if not spelled then return nil, ('%s%s cannot be made'):format(self.root, folder) end
      self.folders[folder] = spelled
   end
   local given = name
   name = spelled .. last
   if not self.written[name] and files.size(self.root .. name)
         and not spelling.isListed(self.root .. spelled, last) then
      self.aliased[given] = name
         .. ': another artifact has this name on a file system that ignores letter case'
      return nil, self.aliased[given]
   end
   return name
end

-- Returns the name by which it is there then, or nil and a message.
local function moveTo(self, name, temporary)
   local spelled, problem = spell(self, name)
   if not spelled then return nil, problem end
   local done
   done, problem = os.rename(temporary, self.root .. spelled)
   return done and spelled, problem
end

--- Move a temporary file to its name, whatever was there.
-- @string name relative to the root
-- @string temporary from `writeTemporary`
-- @func[opt=os.remove] discard called with the path of a file that cannot be put into place
function Tree:replace(name, temporary, discard)
   local spelled, problem = moveTo(self, name, temporary)
   if not spelled and not self.aliased[name] then
      -- The folder that was made once may have been removed since.
      self:forgetFolders()
      spelled, problem = moveTo(self, name, temporary)
   end
   if not spelled then
      (discard or os.remove)(temporary)
      return nil, problem
   end
   self.written[spelled], self.unsynced[spelled] = name, true
   return true
end

--- Put a whole file into place in one step.
-- @string name relative to the root
-- @func fill writes the file
-- @func[opt=os.remove] discard called with the path of a file that cannot be put into place
function Tree:put(name, fill, discard)
   if self.aliased[name] then return nil, self.aliased[name] end
   local temporary, problem = self:writeTemporary(fill)
   if not temporary then return nil, problem end
   return self:replace(name, temporary, discard)
end

--- Put a file that must not exist yet.
-- @string name relative to the root
-- @string bytes all of it
-- @treturn ?boolean true, or nil and a message
function Tree:create(name, bytes)
   local temporary, problem = self:writeTemporary(function(path) return files.write(path, bytes) end)
   if not temporary then return nil, problem end
   -- ln refuses what exists. Where a file system has no hard links, the shell's noclobber does as well.
   local path = self.root .. name
   local code = shell.run(shell.command('{ ln -- %s %s || { set -C; cat %s > %s; }; } 2>/dev/null',
      temporary, path, temporary, path))
   os.remove(temporary)
   if code ~= 0 then return nil, path .. ' cannot be made' end
   self.written[name], self.unsynced[name] = name, true
   return true
end

--- Return a file that grows; it appears with its first lines in one step.
-- @string name relative to the root
-- @param header the first line, or a function that returns the first lines
-- @func[opt] created called once it is there; returns true, or nil and a message
function Tree:grow(name, header, created)
   self.growing[name] = true
   return appendfile.new(self.root .. name, self:creator(name, header, created))
end

--- Return the function that creates a file that grows; see `grow`.
-- @string name relative to the root
-- @param header the first line, or a function that returns the first lines
-- @func[opt] created called once it is there
function Tree:creator(name, header, created)
   return function()
      local done, problem = self:put(name, function(path)
         return files.write(path, type(header) == 'function' and header() or header)
      end)
      if done and created then done, problem = created() end
      return done, problem
   end
end

-- Syncs the files and folders of a list, many with each process. What was replaced or delivered meanwhile is
-- left out; where it vanishes just now, sync(1) fails, and the others are synced one by one.
local SYNC = [[xargs -0 -n 500 sh -c 'for path; do shift; [ ! -e "$path" ] || set -- "$@" "$path"; done]]
   .. [[; [ $# = 0 ] || sync -- "$@" || for path; do [ ! -e "$path" ] || sync -- "$path" || exit 255; done]]
   .. [[' sh < LIST 2>/dev/null]]

-- What `timeout` starts does not hear Ctrl-C, so the shell hears it for it.
local BOUNDED = ('{ if command -v timeout >/dev/null; then timeout SECONDS SYNC & trap "kill $!" INT;'
   .. ' wait $!; else SYNC; fi; }'):gsub('SYNC', {SYNC = SYNC})

-- Returns what is to be synced: series first, then new files, then the folders that their names are in.
local function unsynced(self)
   local paths, folders = {}, {}
   for name in pairs(self.growing) do paths[#paths + 1] = './' .. name end
   for name in pairs(self.unsynced) do
      if not self.growing[name] then paths[#paths + 1] = './' .. name end
      folders[('./' .. name):match('^(.*/)')] = true
   end
   if next(folders) then folders['./'], folders['../'] = true, true end
   for folder in pairs(folders) do paths[#paths + 1] = folder end
   return paths
end

--- Make all that is new, and the files that grow, survive a power loss.
-- @int[opt] seconds how long that may take, as far as there is timeout(1)
-- @treturn boolean whether the system has done so
-- @treturn boolean whether the time was not enough
function Tree:sync(seconds)
   local paths = unsynced(self)
   if #paths == 0 then return true, false end
   local list = self:writeTemporary(function(path)
      return files.write(path, table.concat(paths, '\0') .. '\0')
   end)
   if not list then return false, false end
   local words = {LIST = shell.quote(list), SECONDS = seconds and ('%d'):format(seconds)}
   local command = (seconds and BOUNDED or SYNC):gsub('%u%u%u+', words)
   local code = shell.run(shell.command('cd %s && ', self.root) .. command)
   os.remove(list)
   if code == 0 then self.unsynced = {} end
   return code == 0, code == shell.TIME_IS_OVER
end

--- Let go of what a forked child must not hold open.
function Tree.leave() end

--- Cut off the blanks that a full disk has left at the end of a file that grows. It stays open, and what is
-- removed while the end is awaited is restored from it.
-- @tparam AppendFile file from `grow`
function Tree.finishFile(_, file)
   -- A forked child may have appended rows since the last look.
   if not file.hasBlanks or not file:isInPlace() or file.isCut then return end
   shell.run(shell.command('truncate -s ' .. ('%d'):format(file.size) .. ' -- %s 2>/dev/null', file.path))
end

return tree
