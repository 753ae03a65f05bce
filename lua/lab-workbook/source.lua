--- The source as it runs: what our program says of it, where it is installed, and git where it is not.
--
--    local captured = source.capture('Source')
--    for _, part in ipairs(captured.parts) do print(part.suffix) end
--    captured.discard()
--
-- The program of the Python package takes untracked files, submodules and commits that no remote has as
-- well, and cuts secrets. Without it there are the commit and what is changed in the files that git knows;
-- the state says by which of the two it was captured.
--
-- @module lab-workbook.source

require 'lab-workbook.interpreted'(true, true)

local files = require 'lab-workbook.files'
local git = require 'lab-workbook.git'
local json = require 'lab-workbook.json'
local redaction = require 'lab-workbook.redaction'
local shell = require 'lab-workbook.shell'
local spec = require 'lab-workbook.spec'
local text = require 'lab-workbook.text'

local source = {}

-- The program ends itself after a minute; one that hangs before it has begun must not hang the training.
local PROGRAM = [[
exec 2>/dev/null </dev/null
command -v lab-workbook || exit 127
folder=$(mktemp -d "${TMPDIR:-/tmp}/lab-workbook-source-XXXXXXXX") || exit 1
echo "folder $folder"
limit=$(command -v timeout) && limit="$limit 90"
LAB_WORKBOOK_REDACT=%s $limit lab-workbook capture-source --name %s -- "$folder"]]

local WITHOUT = 'the command lab-workbook is not on the PATH (pip install lab-workbook), so files that git'
   .. ' does not track, submodules and commits that no remote has are not recorded'
local OTHERWISE = 'lab-workbook capture-source did not answer, so files that git does not track,'
   .. ' submodules and commits that no remote has are not recorded'

local function byProgram(name)
   local said, code = shell.read(shell.command(PROGRAM, redaction.setting(), name))
   local folder = said:match('\nfolder ([^\n]+)\n')
   local function discard()
      if folder then shell.run(shell.command('rm -rf -- %s', folder)) end
   end
   local nothing = said:match('\nnothing ([^\n]*)')
   local parts, notes = {}, {}
   for file, suffix in said:gmatch('\npart (%d+) (%S+)') do
      local path = folder .. '/' .. file
      parts[#parts + 1] = {suffix = suffix, fill = function(target) return files.copy(path, target) end}
   end
   for note in said:gmatch('\nnote ([^\n]*)') do notes[#notes + 1] = note end
   if code == 0 and (nothing or parts[1]) then
      return {parts = parts, notes = notes, nothing = nothing, discard = discard}
   end
   discard()
   return nil, code == 127 and WITHOUT or OTHERWISE
end

local function byGit(why)
   local nothing, isLost = git.fault()
   if nothing then
      return {parts = {}, notes = {}, nothing = nothing, isLost = isLost, discard = function() end}
   end
   local state, notes = {
      format = 1,
      program = 'lab-workbook-lua',
      git = git.version(),
      commit = git.id(),
      patch = true,
      problems = {why},
   }, {why}
   local function patch(path)
      local done, answer = git.patch(path)
      if not done then return nil, answer end
      for _, file in ipairs(answer) do
         notes[#notes + 1] = ('%s is left out of the patch: a secret is in the lines that it shows'):format(
            text.shown(file))
         state.problems[#state.problems + 1] = notes[#notes]
      end
      return true
   end
   return {
      parts = {
         {suffix = spec.KIND_GIT_COMMIT_SUFFIX, fill = git.commit},
         {suffix = spec.KIND_GIT_PATCH_SUFFIX, fill = patch},
         {suffix = spec.GIT_STATE_SUFFIX, fill = function(path)
            -- Last, because only the patch shows what is left out of it.
            return files.write(path, json.encode(state, function() end))
         end},
      },
      notes = notes,
      discard = function() end,
   }
end

--- Return the source as it runs.
-- @string name what its files will be called by
-- @treturn table `parts` with a `suffix` and a function `fill(path)` each; `notes`, what people should hear;
-- `nothing`, why there is nothing to record, and `isLost`, whether there might have been; `discard()`, to be
-- called when all is saved
function source.capture(name)
   local captured, why = byProgram(name)
   return captured or byGit(why)
end

return source
