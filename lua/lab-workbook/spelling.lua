--- How a file system spells the names of artifacts, where it does not tell all names apart.
-- FAT, exFAT and macOS's APFS take `train/` for `Train/` and `é` for `É`. The rule name.unique keeps names
-- apart by their ASCII letters only, so a file that is there may be another artifact.
-- @module lab-workbook.spelling

require 'lab-workbook.interpreted'(true, true)

local shell = require 'lab-workbook.shell'

local spelling = {}

-- Each part of the path that is not listed as it was given is looked for among the files that are listed.
local MAKE = [[{ cd %s && mkdir -p -- %s && rest=%s/ && real= && while [ -n "$rest" ]; do
   part=${rest%%/*}; rest=${rest#*/}
   if ! ls -a "./$real" | grep -qxF -e "$part"; then
      for each in "./$real"*; do [ "$each" -ef "./$real$part" ] && part=${each##*/}; done
   fi
   real=$real$part/
done && echo "$real"; } 2>/dev/null]]

--- Make a folder, and return its path as the file system spells it, or nil.
-- @string root the folder of the experiment
-- @string folder a path below it, without a slash at its end
-- @treturn ?string the path, with a slash at its end
function spelling.makeFolder(root, folder)
   local output, code = shell.read(shell.command(MAKE, root, folder, folder))
   return code == 0 and output:gsub('\n$', '') or nil
end

--- Return whether a folder lists a file by exactly this name.
-- @string folder its path
-- @string name the file
-- @treturn boolean
function spelling.isListed(folder, name)
   return shell.run(shell.command('ls -a -- %s 2>/dev/null | grep -qxF -e %s', folder, name)) == 0
end

return spelling
