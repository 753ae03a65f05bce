--- The state of the sources: the commit, and a patch that leads from it to the files as they are.
--
-- The patch must apply on any machine, so its form is fixed here: every switch answers a setting that a user
-- may have. Files that git does not know are not in the patch.
--
-- @module lab-workbook.git

require 'lab-workbook.interpreted'(true, true)

local shell = require 'lab-workbook.shell'

local git = {}

-- A hook sets GIT_DIR and GIT_INDEX_FILE, which speak of some other repository. Another git may work in this
-- one, so no lock is taken. A repository on a network file system that hangs must not hang the training.
local GIT = [[
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_PREFIX \
   GIT_NAMESPACE GIT_COMMON_DIR GIT_EXTERNAL_DIFF GIT_DIFF_OPTS
export GIT_OPTIONAL_LOCKS=0 LC_ALL=C
limit=$(command -v timeout) && limit="$limit 60"
$limit git --no-pager -c core.fsmonitor=false -c core.quotePath=true -c diff.orderFile=/dev/null ]]

local LOG = GIT .. 'log -n 1 --no-abbrev-commit --format=medium --date=default'
   .. ' --no-color --no-decorate --no-notes'
   .. ' --no-show-signature --no-patch HEAD'

local DIFF = GIT .. 'diff --binary --full-index --no-color --no-ext-diff --no-textconv --src-prefix=a/'
   .. ' --dst-prefix=b/ --unified=3 --inter-hunk-context=0 --no-relative --submodule=short'
   .. ' --no-indent-heuristic HEAD'

-- Returns a function that fills a file with what a command writes.
local function filler(command)
   return function(path)
      local output, code = shell.read(('exec 2>&1 > %s; %s'):format(shell.quote(path), command))
      if code == 0 then return true end
      return nil, output ~= '' and output:match('^[^\n]*') or ('git ended with %d'):format(code)
   end
end

--- Say why the state of the sources cannot be saved.
-- @treturn ?string nil if it can
function git.fault()
   local output, code = shell.read('exec 2>&1; ' .. GIT .. 'log -n 1 --format=')
   if code == 0 then return nil end
   if code == 127 then return 'git is not installed' end
   return output:match('^[^\n]+') or ('git ended with %d'):format(code)
end

--- Fill a file with the current commit, as `git log -n 1` shows it.
-- @function git.commit
-- @string path the file
git.commit = filler(LOG)

--- Fill a file with the changes since that commit; it is empty where there are none.
-- @function git.patch
-- @string path the file
git.patch = filler(DIFF)

return git
