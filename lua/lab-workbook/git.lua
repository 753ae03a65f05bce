--- The state of the sources: the commit, and a patch that leads from it to the files as they are.
--
-- Every switch below undoes a setting that a user may have, so that the patch applies and the same tree
-- gives the same bytes. Files that git does not know are not in the patch.
--
-- @module lab-workbook.git

local shell = require 'lab-workbook.shell'

local git = {}

-- Without optional locks a status taken while the user commits does not stand in their way.
local GIT = 'GIT_OPTIONAL_LOCKS=0 git --no-pager -c color.ui=false -c core.quotePath=true'
   .. ' -c diff.relative=false -c diff.orderFile=/dev/null -c i18n.logOutputEncoding=UTF-8 '

local LOG = GIT .. 'log -n 1 --no-color --decorate=no --no-show-signature --no-notes --no-mailmap --no-patch'
   .. ' --no-abbrev-commit --pretty=medium --date=default'

local DIFF = GIT .. 'diff --binary --full-index --no-color --no-ext-diff --no-textconv --unified=3'
   .. ' --submodule=short --ignore-submodules=none --src-prefix=a/ --dst-prefix=b/ HEAD'

-- Returns a function that fills a file with what a command writes.
local function filler(command)
   return function(path)
      if shell.run(('{ %s; } > %s 2>/dev/null'):format(command, shell.quote(path))) == 0 then return true end
      return nil, 'git failed, or the disk is full'
   end
end

--- Say why the state of the sources cannot be saved.
-- @treturn ?string nil if it can
function git.fault()
   if shell.run('command -v git >/dev/null 2>&1') ~= 0 then return 'git is not installed' end
   if shell.run(GIT .. 'rev-parse --is-inside-work-tree 2>/dev/null | grep -q true') ~= 0 then
      return 'the working directory is not under git'
   end
   if shell.run(GIT .. 'rev-parse --verify -q HEAD >/dev/null 2>&1') ~= 0 then
      return 'there is no commit yet'
   end
   return nil
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
