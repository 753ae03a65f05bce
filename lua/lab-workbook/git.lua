--- The state of the sources: the commit, and a patch that leads from it to the files as they are.
--
-- The patch must apply on any machine, so its form is fixed here: every switch answers a setting that a user
-- may have. Files that git does not know are not in the patch, and neither are keys and the like.
--
-- @module lab-workbook.git

require 'lab-workbook.interpreted'(true, true)

local files = require 'lab-workbook.files'
local redaction = require 'lab-workbook.redaction'
local shell = require 'lab-workbook.shell'
local spec = require 'lab-workbook.spec'

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
   .. ' --no-indent-heuristic HEAD -- :/'

-- Returns the files that are never captured, each as git is told to leave it out.
local function secretFiles()
   local words = {}
   local function add(pattern) words[#words + 1] = shell.quote(':(top,exclude,icase,glob)**/' .. pattern) end
   for _, name in ipairs(spec.SECRET_FILES) do add(name) end
   for _, folder in ipairs(spec.SECRET_FOLDERS) do add(folder .. '/**') end
   return table.concat(words, ' ')
end

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
-- @treturn ?boolean whether that is a fault of the machine, so that something is lost
function git.fault()
   local output, code = shell.read('exec 2>&1; ' .. GIT .. 'log -n 1 --format=')
   if code == 0 then return nil end
   if code == shell.NOT_STARTED then return output, true end
   if code == 127 then return 'git is not installed' end
   return output:match('^[^\n]+') or ('git ended with %d'):format(code)
end

--- Fill a file with the current commit, as `git log -n 1` shows it.
-- @function git.commit
-- @string path the file
git.commit = filler(LOG)

local diff = filler(DIFF .. ' ' .. secretFiles())

-- Returns a patch with the secrets in added lines cut. What was there before is in the commit, and has to
-- stand in the patch as it was; a hunk is counted through, because a line of a file may look like any other.
local function redacted(patch)
   local lines, old, new = {}, 0, 0
   for line in patch:gmatch('[^\n]*\n') do
      local mark, told = line:sub(1, 1), line
      if old > 0 or new > 0 then
         if mark == '+' then told = '+' .. redaction.text(line:sub(2, -2)) .. '\n' end
         if mark == '-' or mark == ' ' then old = old - 1 end
         if mark == '+' or mark == ' ' then new = new - 1 end
      else
         local olds, news = line:match('^@@ %-%d+(,?%d*) %+%d+(,?%d*) @@')
         if olds then old, new = tonumber(olds:sub(2)) or 1, tonumber(news:sub(2)) or 1 end
      end
      lines[#lines + 1] = told
   end
   return table.concat(lines)
end

--- Fill a file with the changes since that commit; it is empty where there are none.
-- @string path the file
function git.patch(path)
   local done, problem = diff(path)
   local patch = done and files.read(path)
   if not patch then return nil, problem end
   return files.write(path, redacted(patch))
end

-- Returns an answer of git without the space at its end; an empty text where there is no answer.
local function answer(question)
   local output, code = shell.read(GIT .. question)
   return code == 0 and output:gsub('%s+$', '') or ''
end

--- Return the id of the commit.
function git.id()
   return answer('rev-parse HEAD')
end

--- Return the version of git.
function git.version()
   return (answer('version'):gsub('^git version ', ''))
end

return git
