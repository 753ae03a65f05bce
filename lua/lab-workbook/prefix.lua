--- Where experiments lie: a folder, or a prefix in a bucket.
--
--    prefix.parse('s3://my-bucket/experiments')
--    --> {kind = 's3', bucket = 'my-bucket', path = 'experiments/'}
--    prefix.parse('~/runs')
--    --> {kind = 'folder', bucket = '', path = '/home/me/runs/'}
--
-- @module lab-workbook.prefix

require 'lab-workbook.interpreted'(true, true)

local shell = require 'lab-workbook.shell'
local text = require 'lab-workbook.text'

local prefix = {}

local Prefix = {}
Prefix.__index = Prefix

function Prefix:__tostring()
   return self.kind == 's3' and ('s3://%s/%s'):format(self.bucket, self.path) or 'file://' .. self.path
end

local function say(given, why)
   return nil, ('the bucket prefix %s cannot be used: %s (rule prefix.form)'):format(text.shown(given), why)
end

local function new(kind, bucket, path)
   return setmetatable({kind = kind, bucket = bucket, path = path}, Prefix)
end

local function bucket(rest, given)
   local name, key = rest:match('^([^/]*)/?(.*)$')
   local tail = name:match('^[A-Za-z0-9]([A-Za-z0-9._-]+)$')
   if not tail or #tail > 62 then return say(given, text.shown(name) .. ' is no bucket name') end
   if key ~= '' and key:sub(-1) ~= '/' then key = key .. '/' end
   return new('s3', name, key)
end

--- Return an absolute path without '.', '..' and doubled slashes.
-- @string path the path; a relative one begins in the working directory
-- @treturn ?string or nil and why not
function prefix.absolute(path)
   if path:sub(1, 1) ~= '/' then
      local folder = shell.read('pwd -P 2>/dev/null'):gsub('\n$', '')
      if folder:sub(1, 1) ~= '/' then return nil, 'it is relative, and the working directory is gone' end
      path = folder .. '/' .. path
   end
   local parts = {}
   for part in path:gmatch('[^/]+') do
      if part == '..' then
         parts[#parts] = nil
      elseif part ~= '.' then
         parts[#parts + 1] = part
      end
   end
   -- POSIX gives exactly two slashes at the front a meaning of their own.
   return ((path == '//' or path:find('^//[^/]')) and '//' or '/') .. table.concat(parts, '/')
end

--- Return a path with a '~' at its front replaced by the home directory.
-- @string path the path
-- @treturn ?string or nil and why not
function prefix.expanded(path)
   if path ~= '~' and path:sub(1, 2) ~= '~/' then
      if path:sub(1, 1) == '~' then return nil, "write the whole path instead of '~user'" end
      return path
   end
   local home = os.getenv('HOME') or ''
   if home:sub(1, 1) ~= '/' then return nil, "HOME is not set, so '~' means nothing here" end
   return home .. path:sub(2)
end

local function folder(path, given)
   local expanded, why = prefix.expanded(path)
   if not expanded then return say(given, why) end
   -- Fixed now: a script that changes its working directory later must not split its experiment.
   local absolute, gone = prefix.absolute(expanded)
   if not absolute then return say(given, gone) end
   return new('folder', '', absolute:sub(-1) == '/' and absolute or absolute .. '/')
end

--- Read a prefix as the configuration spells it; nothing in it is percent-decoded.
-- @string given the text
-- @treturn ?table kind, bucket, path; or nil and a message (rule prefix.form)
function prefix.parse(given)
   if given == '' or given:find('[%z\1-\31\127]') then
      return say(given, 'it is empty or has control characters in it')
   end
   local scheme, rest = given:match('^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$')
   if not scheme then return folder(given, given) end
   if scheme == 's3' then return bucket(rest, given) end
   if scheme ~= 'file' then
      return say(given, scheme .. ':// is not supported, only s3:// and file://')
   end
   if rest ~= '~' and not rest:find('^~?/') then
      return say(given, 'after file:// comes an absolute path or ~/')
   end
   return folder(rest, given)
end

return prefix
