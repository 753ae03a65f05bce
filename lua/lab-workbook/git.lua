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
   -- Of a submodule its commit alone; changes in it are saved under a name of their own, or not at all.
   .. ' --ignore-submodules=dirty'
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

local log = filler(LOG)

--- Fill a file with the current commit, as `git log -n 1` shows it, without secrets in its message.
-- @string path the file
function git.commit(path)
   local done, problem = log(path)
   local commit = done and files.read(path)
   if not commit then return nil, problem end
   local head, message = commit:match('^(.-\n)(\n.*)$')
   return files.write(path, head and head .. redaction.text(message) or commit)
end

local diff = filler(DIFF .. ' ' .. secretFiles())

-- Appends the added lines without their secrets, looked at as one text: a private key has many lines.
local function closeRun(section)
   local run = section.run
   if #run == 0 then return end
   local kept, count = redaction.text(table.concat(run, '\n'))
   for line in (kept .. '\n'):gmatch('([^\n]*)\n') do section.lines[#section.lines + 1] = '+' .. line end
   section.run, section.count = {}, section.count + count
end

-- Takes a line of a hunk.
local function takeLine(section, mark, line)
   if mark == '+' then
      section.run[#section.run + 1] = line:sub(2)
      return
   end
   closeRun(section)
   section.lines[#section.lines + 1] = line
   -- With a line before each hunk, so that nothing is read across their border.
   if mark ~= '\\' then section.before[#section.before + 1] = line:sub(2) end
end

-- Takes the first line of a hunk, whose end shows a line of the old file; returns its numbers of lines.
local function takeHunk(section, line)
   local range, olds, news, heading = line:match('^(@@ %-%d+(,?%d*) %+%d+(,?%d*) @@)(.*)$')
   if not range then
      section.lines[#section.lines + 1] = line
      return 0, 0
   end
   section.lines[#section.lines + 1] = range .. redaction.text(heading)
   section.before[#section.before + 1] = ''
   return tonumber(olds:sub(2)) or 1, tonumber(news:sub(2)) or 1
end

-- Returns the sections of a patch, one for each file, with the secrets in added lines redacted. A hunk is
-- counted
-- through, because a line of a file may look like any other.
local function sectionsOf(patch)
   local all, section, old, new = {}, nil, 0, 0
   for line in patch:gmatch('([^\n]*)\n') do
      local mark = line:sub(1, 1)
      if section and (old > 0 or new > 0 or mark == '\\') then
         takeLine(section, mark, line)
         if mark == '-' or mark == ' ' then old = old - 1 end
         if mark == '+' or mark == ' ' then new = new - 1 end
      else
         if section then closeRun(section) end
         if line:find('^diff %-%-git ') then
            section = {lines = {}, run = {}, before = {}, count = 0, path = line:match(' "?b/(.-)"?$')}
            all[#all + 1] = section
         end
         if section then old, new = takeHunk(section, line) end
      end
   end
   if section then closeRun(section) end
   return all
end

-- Returns a patch without secrets, and the files that are not in it. The lines that were there before are in
-- the
-- commit, and git looks for them word for word, so the changes of a file with a secret in them are left out.
local function redacted(patch)
   local lines, leftOut = {}, {}
   for _, section in ipairs(sectionsOf(patch)) do
      local _, count = redaction.text(table.concat(section.before, '\n'))
      if count > 0 then
         leftOut[#leftOut + 1] = section.path or '?'
      else
         for _, line in ipairs(section.lines) do lines[#lines + 1] = line .. '\n' end
      end
   end
   return table.concat(lines), leftOut
end

--- Fill a file with the changes since that commit; it is empty where there are none.
-- @string path the file
-- @treturn ?boolean whether that worked
-- @return the files whose changes are left out, because they would show a secret; or why it did not work
function git.patch(path)
   local done, problem = diff(path)
   local patch = done and files.read(path)
   if not patch then return nil, problem end
   local kept, leftOut = redacted(patch)
   local isWritten, fault = files.write(path, kept)
   return isWritten, isWritten and leftOut or fault
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
