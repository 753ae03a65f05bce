--- How the worker in sh finds out who lives, and excludes other workers and uploaders.
--
-- The lock is the one of lab_workbook.protocol.locks: a folder with one file, whose name is its owner.
--
-- @module lab-workbook.awsowner

require 'lab-workbook.interpreted'(true, true)

return [==[
# --- who lives, and who delivers -------------------------------------------------------------------

# Reads the fields behind the name of the program into $stat, which may contain spaces, parentheses and line
# feeds itself; fails where there are none.
read_stat() {
   stat=
   { while IFS= read -r part; do stat="$stat $part"; done < "$1"; } 2>/dev/null || return 1
   case $stat in *')'*) stat=${stat##*')'} ;; *) return 1 ;; esac
}

# 0: a process has gone; 1: it is there; 2: this system cannot tell. Given are its id, its start, the boot,
# its namespace and, where it is known, its program.
ask() {
   [ -n "$boot" ] && [ "$3" = "$boot" ] && [ "$4" = "$namespace" ] && [ "$2" != - ] || return 2
   # With the mount option hidepid the processes of other users cannot be seen.
   [ -e /proc/1/stat ] || return 2
   read_stat "/proc/$1/stat" || { [ ! -e "/proc/$1" ] || return 2; return 0; }
   pid=$1 asked_for=$2 image=${5:--}
   set -- $stat
   [ "$#" -ge 26 ] || return 2
   # The first thread of a process may end before the others.
   case $1.${18} in [ZX].[01]) return 0 ;; esac
   [ "${20}" = "$asked_for" ] || return 0
   # The same process may run another program since.
   [ "$image" != - ] && read_stat "/proc/$pid/task/$pid/stat" || return 1
   set -- $stat
   [ "${26:-0}" != 0 ] && [ $((${26} % IMAGE_DIVISOR)) != "$image" ]
}

# Prints when this worker was started.
born() {
   read_stat "/proc/$$/stat" || { echo -; return; }
   set -- $stat
   echo "${20:--}"
}

# Whether flock is held by another process, beside which this worker must not work. Where the file system
# lacks it, the command says so, and the folder has to do.
is_flocked() {
   flocked=-
   command -v flock > /dev/null || return 1
   if words=$(flock -n 9 2>&1); then flocked=flock; else [ -z "$words" ]; return; fi
   return 1
}

# Removes the file of an owner that has gone; fails where one may live, and nobody has said that it is dead.
break_lock() {
   other=$(ls -A "$folder" 2>/dev/null)
   [ -n "$other" ] || return 0
   IFS=. read -r pid birth space start rest << END
$other
END
   ask "$pid" "$birth" "$start" "pid:[$space]"
   case $? in
   0) ;;
   2) [ -n "$declared" ] || return 1 ;;
   *) return 1 ;;
   esac
   rm -f "$folder/$other"
}

# Takes the lock by renaming a filled folder, which fails where a filled one is.
take_lock() {
   ! is_flocked && break_lock || return 1
   space=${namespace#'pid:['}
   space=${space%']'}
   mark=$$x$(now)
   me=$$.$(born).${space:--}.${boot:--}.-.$flocked.$mark.$(uname -n)
   rmdir "$folder" 2>/dev/null
   [ -e "$own/worklist" ] || exit 0
   mkdir "$folder.$mark" && : > "$folder.$mark/$me" || leave 'cannot be locked: its folder cannot be written'
   # Not every mv has -T, without which it moves into a folder that is there.
   mv -T "$folder.$mark" "$folder" 2>/dev/null ||
      { [ ! -e "$folder" ] && mv "$folder.$mark" "$folder" 2>/dev/null; }
   [ ! -e "$folder/$me" ] || return 0
   rm -rf "$folder.$mark" "$folder/${folder##*/}.$mark"
   return 1
}

# Waits for its turn: a request of a worker that was killed may still be under way, and holds flock too.
lock() {
   exec 9>> "$own/lock"
   until take_lock; do
      [ "$turns" -lt 120 ] || leave "is being delivered by another process${other:+ ($other)}"
      nap
   done
   trap unlock EXIT
}

unlock() {
   rm -f "$folder/$me"
   rmdir "$folder" 2>/dev/null
}
]==]
