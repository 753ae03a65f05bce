--- The worker that delivers a spool by the `aws` command, where the Python package is not installed.
--
-- It is a program for any POSIX shell (dash, bash, busybox). It lies in the spool, so that
-- `sh SPOOL/.lab-workbook/deliver` delivers later what could not be delivered now. Names reach it in the
-- worklist, as data, and are nowhere a part of its text. docs/aws-fallback.md says what it does and does not.
--
-- @module lab-workbook.awsworker

require 'lab-workbook.interpreted'(true, true)

local spec = require 'lab-workbook.spec'

local WORKER = [==[
#!/bin/sh
# Delivers the experiment of the spool that this file lies in, by the aws command.
# Everything is in functions, so that the shell has read all of it when the spool is removed.
set -uf
umask 077

# Whole seconds, but a turn, which is half a second.
CALM=15 IDLE=600 REFRESH=600 LONGEST_PAUSE=60 REST_FACTOR=20

say() { printf '{"event": %s}\n' "$1" >> "$own/journal"; }

# Makes a text fit for a string of JSON; what aws says is in English, and cut names would be no UTF-8.
plain() { printf %s "$1" | LC_ALL=C tr -cd '\040-\176' | sed 's/["\\]/\\&/g'; }
quoted() { printf %s "$1" | LC_ALL=C sed 's/"/\\"/g'; }

nap() { sleep 0.5 2>/dev/null || sleep 1; turns=$((turns + 1)); }
now() { date +%s; }

# --- what the script hands over --------------------------------------------------------------------

take() {
   rest=${1#* }
   case ${1%% *} in
   prefix) prefix=$rest ;;
   tag) tag=$rest ;;
   explicit) explicit=yes ;;
   every) every=$rest ;;
   endpointUrl) endpoint=$rest ;;
   profile) profile=$rest ;;
   region) region=$rest ;;
   serverSideEncryption) encryption=$rest ;;
   kmsKeyId) key=$rest ;;
   storageClass) class=$rest ;;
   acl) acl=$rest ;;
   process) process=$rest ;;
   interrupted) interrupted=$rest ;;
   flush) flushes="$flushes $rest" ;;
   end) ending=$rest ;;
   esac
}

# Opens the worklist at the first line that was not heard.
open_worklist() {
   exec 4< "$own/worklist"
   skipped=0
   while [ "$skipped" -lt "$lines" ] && IFS= read -r line <&4; do skipped=$((skipped + 1)); done
}

# Takes the lines that have become whole.
hear() {
   [ -e "$own/worklist" ] || exit 3
   while IFS= read -r line <&4; do
      lines=$((lines + 1))
      take "$line"
   done
   # Half a line was read: it may yet be replaced, after the disk was full.
   [ -z "$line" ] || open_worklist
}

# --- is the script still there? --------------------------------------------------------------------

# 0: it has gone; 1: it is there; 2: this system cannot tell.
ask_process() {
   set -- $process
   [ "$3" = "$boot" ] && [ "$4" = "$namespace" ] || return 2
   { IFS= read -r stat < "/proc/$1/stat"; } 2>/dev/null || return 0
   started=$2
   set -- ${stat##*')' }
   case $1 in Z | X) return 0 ;; esac
   [ "${20}" != "$started" ]
}

# Whether nothing was written for ten minutes.
is_silent() {
   recent=$(find "$spool" -type f ! -path "$own/journal" ! -path "$own/log" -mmin -10 | head -n 1)
   [ -z "$recent" ]
}

# Sees whether the script is over; asked before the worklist is read, so that its last words are heard.
look() {
   [ -z "$over" ] || { hear; return; }
   dead=
   ask_process
   case $? in
   0) dead=yes ;;
   2) [ -e "$own/tmp/aws/open" ] || ! is_silent || dead=yes ;;
   esac
   hear
   [ -n "$dead$ending" ] || return 0
   over=yes moved=$(now) pause=0
}

# --- requests --------------------------------------------------------------------------------------

# Runs aws, with its input from descriptor 6. A script that waits hears whether bytes move.
request() {
   AWS_MAX_ATTEMPTS=$attempts AWS_PAGER='' PYTHONUTF8=1 aws ${endpoint:+"--endpoint-url=$endpoint"} \
      ${profile:+"--profile=$profile"} ${region:+"--region=$region"} \
      --cli-connect-timeout=10 --cli-read-timeout=60 "$@" \
      <&6 > /dev/null 2> "$own/tmp/aws/said" &
   watch $!
   wait $! || return 1
   [ ! -e "$own/tmp/aws/trouble" ] || { rm -f "$own/tmp/aws/trouble"; say '"recovered"'; }
}

watch() {
   count=0 calm=0 before=
   while kill -0 "$1" 2>/dev/null; do
      sleep 0.2 2>/dev/null || sleep 1
      count=$((count + 1))
      [ $((count % 25)) -eq 0 ] || continue
      calm=$((calm + 5)) position=$count
      # Where the system does not tell, we trust that it moves.
      { read -r word position < "/proc/$1/io"; } 2>/dev/null || :
      [ "$position" = "$before" ] || { calm=0 before=$position; say '"progress"'; }
      [ "$calm" -ne $CALM ] || complain "the server has not answered for $CALM s"
   done
}

# Tells the script of the first fault.
complain() {
   printf '%s\n' "$1" >&2
   [ ! -e "$own/tmp/aws/trouble" ] || return 0
   : > "$own/tmp/aws/trouble"
   say "\"trouble\", \"message\": \"$(plain "$1")\""
}

# What aws said, in one line.
why() {
   words=$(tr '\n' ' ' < "$own/tmp/aws/said" | head -c 500 | sed 's/^ *//; s/ *$//')
   printf %s "${words:-the aws command has failed without a word}"
}

# Puts a file that must not exist yet.
create() {
   request s3api put-object "--bucket=$bucket" "--key=$path$1" "--body=$2" '--if-none-match=*' \
      ${encryption:+"--server-side-encryption=$encryption"} ${key:+"--ssekms-key-id=$key"} \
      ${class:+"--storage-class=$class"} ${acl:+"--acl=$acl"} \
      '--content-type=@JSON@' 6< /dev/null
}

# Puts a file, or what descriptor 6 gives where the file is -.
replace() {
   request s3 cp --only-show-errors "--content-type=$(content_type "$1")" \
      ${encryption:+"--sse=$encryption"} ${key:+"--sse-kms-key-id=$key"} \
      ${class:+"--storage-class=$class"} ${acl:+"--acl=$acl"} "$2" "$prefix$tag/$1"
}

content_type() {
   case $1 in
@TYPES@
   *) echo '@OTHER@' ;;
   esac
}

# Says that a request has failed, and waits before the next one; gives up when the script does not live any
# more and nothing has moved for long.
wait_after_failure() {
   complain "$(why)"
   [ -z "$over" ] || [ $(($(now) - moved)) -lt $IDLE ] || leave "not delivered: $(why)"
   pause=$((pause * 2 + 1))
   [ "$pause" -le $LONGEST_PAUSE ] || pause=$LONGEST_PAUSE
   until=$((turns + 2 * pause))
   was_over=$over
   while [ "$turns" -lt "$until" ] && [ "$over" = "$was_over" ]; do
      nap
      look
   done
}

# Takes note that a request has worked.
arrived() { moved=$(now) pause=0; }

leave() {
   printf '%s: %s\n' "$tag" "$1" >&2
   exit 1
}

# --- the claim -------------------------------------------------------------------------------------

refuse() {
   say "\"refused\", \"reason\": \"$1\", \"message\": \"$(plain "$2")\""
   leave "$2"
}

# After an answer that was lost, what is there may be ours: a tag that was made up is, and one that the
# caller chose is if the document carries our nonce.
is_ours() {
   [ "$open" = yes ] || return 1
   [ -n "$explicit" ] || return 0
   theirs=$own/tmp/aws/theirs
   request s3 cp --only-show-errors "$prefix$tag/.lab-workbook/begin.json" "$theirs" 6< /dev/null &&
      cmp -s "$theirs" "$own/begin.json"
}

# Ends this worker where the answer is final.
judge() {
   said=$(why)
   case $said in
   *PreconditionFailed* | *'(412)'*)
      is_ours || refuse taken "another experiment has the tag '$tag': choose another tag"
      return 0 ;;
   *NoSuchBucket* | *'nvalid bucket name'* | *InvalidBucketName*) refuse bucket "$said" ;;
   *'(AccessDenied)'* | *'(403)'*) refuse access "$said" ;;
   *InvalidAccessKeyId* | *SignatureDoesNotMatch* | *'(InvalidToken)'* | *'locate credentials'* | \
      *'config profile'*'could not be found'* | *'Partial credentials'*) refuse credentials "$said" ;;
   *'Unknown options'*'if-none-match'*)
      refuse settings 'this aws command is too old to claim a tag: version 1.35 or 2.18 is needed' ;;
   *'Unknown options'* | *'Bad value for'* | *'nvalid endpoint'* | *'nvalid choice'* | \
      *InvalidStorageClass* | *AccessControlListNotSupported* | *'(KMS.'* | *InvalidEncryptionAlgorithm*)
      refuse settings "$said" ;;
   esac
   return 1
}

# Claims the tag. The client sends it once: "exists already" to a second sending would say nothing.
claim() {
   open=no
   case $(grep -E '"event": "(claiming|claimed|refused)"' "$own/journal" | tail -n 1) in
   *'"claimed"'*) return ;;
   *'"claiming"'*) open=yes ;;
   esac
   attempts=1
   until
      say '"claiming"'
      create .lab-workbook/begin.json "$own/begin.json" || judge
   do
      open=yes
      wait_after_failure
   done
   attempts=$usual
   say '"claimed"'
   arrived
}

# --- artifacts -------------------------------------------------------------------------------------

# The sum of what is read, as a piece of JSON; nothing where the system has no sha256sum.
sum() {
   hash=$({ sha256sum || shasum -a 256; } 2>/dev/null)
   [ -z "$hash" ] || printf ', "sha256": "%s"' "${hash%% *}"
}

published() { say "\"published\", \"name\": \"$(quoted "$1")\", \"bytes\": $2$3"; }

# Sends a file of the outbox.
put() {
   file=$own/outbox/$1
   [ -e "$file" ] || return 0
   replace "$2" "$file" 6< /dev/null || return 1
   published "$2" "$(($(wc -c < "$file")))" "$(sum < "$file"), \"outbox\": \"$1\""
   rm -f "$file"
   arrived
}

# Where the last whole row ends within the first $2 bytes: at a line feed outside quotes. The last line is one
# of ours, so that a torn one is not taken for a whole one.
whole() {
   { head -c "$2" "$1"; echo x; } | LC_ALL=C awk '
      NR > 1 { bytes += length(line) + 1; quotes += gsub(/"/, "", line); if (quotes % 2 == 0) last = bytes }
      { line = $0 }
      END { printf "%.0f\n", last }'
}

# Sends a series, up to a row. It is sent whole each time, so it must have grown by a quarter since the last
# time, unless all rows are asked for.
series() {
   file=$spool/$2 sent=0
   [ ! -e "$own/tmp/aws/series-$1" ] || read -r sent < "$own/tmp/aws/series-$1"
   size=$(($(wc -c < "$file"))) least=$((sent + 1))
   [ -n "$everything" ] || least=$((sent + sent / 4 + 1))
   [ "$size" -ge "$least" ] || return 0
   size=$(whole "$file" "$size")
   [ "$size" -ge "$least" ] || return 0
   # A power loss must not take back what readers of the bucket have seen.
   sync -d "$file" 2>/dev/null || :
   head -c "$size" "$file" | replace "$2" - 6<&0 || return 1
   published "$2" "$size" "$(head -c "$size" "$file" | sum)"
   echo "$size" > "$own/tmp/aws/series-$1"
   arrived
}

# Of several saves under one name only the last is sent.
plan() {
   LC_ALL=C awk -v from="$through" -v to="$lines" '
      NR > to { exit }
      $1 == "series" { print "series", ++count, substr($0, 8) }
      NR > from && $1 == "put" {
         name = substr($0, length($2) + 6)
         if (name in last) print "drop", last[name]
         last[name] = $2
         order[++puts] = name
      }
      END {
         for (i = 1; i <= puts; i++) {
            if (order[i] in last) print "put", last[order[i]], order[i]
            delete last[order[i]]
         }
      }' "$own/worklist"
}

# Sends all that was handed over; 1 at the first that fails.
round() {
   heard=$lines
   plan > "$own/tmp/aws/plan"
   while IFS=' ' read -r verb number name <&5; do
      case $verb in
      drop) rm -f "$own/outbox/$number" ;;
      put) put "$number" "$name" || return 1 ;;
      series) [ -z "$rows" ] || series "$number" "$name" || return 1 ;;
      esac
   done 5< "$own/tmp/aws/plan"
   through=$heard
}

# --- the end ---------------------------------------------------------------------------------------

# A script that vanished is taken to have ended when it last wrote something.
vanished() {
   newest=$own/begin.json
   while IFS=' ' read -r verb number name <&5; do
      [ "$verb" != series ] || [ ! "$spool/$name" -nt "$newest" ] || newest=$spool/$name
   done 5< "$own/tmp/aws/plan"
   [ ! "$own/worklist" -nt "$newest" ] || newest=$own/worklist
   when=$(date -u -r "$newest" '+%Y-%m-%dT%H:%M:%SZ' 2>/dev/null) || when=$(date -u '+%Y-%m-%dT%H:%M:%SZ')
   printf '{"ended": "%s", %s' "$when" "${interrupted#?}"
}

# What was published, from the journal.
files() {
   LC_ALL=C awk '
      /^\{"event": "published", / {
         match($0, /"name": "([^"\\]|\\.)*"/)
         name = substr($0, RSTART + 8, RLENGTH - 8)
         match($0, /"bytes": [0-9]+/)
         value = substr($0, RSTART, RLENGTH)
         if (match($0, /"sha256": "[0-9a-f]+"/)) value = value ", " substr($0, RSTART, RLENGTH)
         file[name] = value
      }
      END { for (name in file) printf ", %s: {%s}", name, file[name] }' "$own/journal"
}

end_document() {
   [ -n "$ending" ] || ending=$(vanished)
   printf '%s, "files": {".lab-workbook/begin.json": {"bytes": %s%s}%s}}' "${ending%\}}" \
      "$(($(wc -c < "$own/begin.json")))" "$(sum < "$own/begin.json")" "$(files)"
}

# Puts end.json; one that is there is ours, because the tag is.
seal() {
   end_document > "$own/tmp/aws/end.json"
   create .lab-workbook/end.json "$own/tmp/aws/end.json" && return
   case $(why) in *PreconditionFailed* | *'(412)'*) return 0 ;; esac
   return 1
}

# Removes the spool, in one step as far as anyone can see.
remove() {
   removed=${spool%/*}/.removed-${spool##*/}
   mv "$spool" "$removed" && rm -rf "$removed"
}

# --- all of it -------------------------------------------------------------------------------------

# Waits for its turn: a request of a worker that was killed may still be under way, and holds the lock too.
lock() {
   command -v flock > /dev/null || return 0
   exec 9>> "$own/lock"
   while ! flock -n 9; do
      [ "$turns" -lt 120 ] || leave 'is being delivered by another process'
      nap
   done
   [ -e "$own/worklist" ] || exit 0
}

# Where there is no /proc, only the end of the pipe says that the script may have gone.
watch_pipe() {
   [ ! -e /proc/self/stat ] || return 0
   : > "$own/tmp/aws/open"
   { cat > /dev/null; rm -f "$own/tmp/aws/open"; } <&3 4<&- &
}

# Sends what there is, again and again until it has all arrived. $everything: all rows, and not only of what
# has grown much.
deliver() {
   began=$(now)
   until round; do wait_after_failure; done
   for id in $asked; do say "\"flushed\", \"id\": $id"; done
   resting=$((turns + 2 * every))
   [ -z "$rows" ] || [ $((REST_FACTOR * ($(now) - began))) -le "$every" ] ||
      resting=$((turns + 2 * REST_FACTOR * ($(now) - began)))
   [ -z "$everything" ] || refreshed=$turns
}

run() {
   resting=0 refreshed=0
   while :; do
      look
      was_over=$over asked=$flushes everything=$over$flushes rows=
      flushes=
      [ "$turns" -lt $((refreshed + 2 * REFRESH)) ] || everything=yes
      [ -z "$everything" ] && [ "$turns" -lt "$resting" ] || rows=yes
      [ -z "$rows" ] && [ "$lines" -eq "$through" ] || deliver
      if [ -n "$was_over" ]; then
         until seal; do wait_after_failure; done
         say '"ended"'
         echo "$tag: delivered to $prefix$tag/"
         remove
         exit 0
      fi
      nap
   done
}

main() {
   spool=${0%/.lab-workbook/deliver}
   case $spool in /*) ;; *) spool=$PWD/$spool ;; esac
   own=$spool/.lab-workbook
   exec 3<&0 < /dev/null
   cd /
   turns=0 lines=0 through=0 pause=0 moved=$(now)
   prefix= tag= explicit= every=10 process= interrupted=
   endpoint= profile= region= encryption= key= class= acl=
   flushes= ending= over= usual=${AWS_MAX_ATTEMPTS:-3}
   attempts=$usual
   boot= namespace=$(readlink /proc/self/ns/pid 2>/dev/null)
   { read -r boot < /proc/sys/kernel/random/boot_id; } 2>/dev/null || :
   open_worklist
   hear
   lock
   mkdir -p "$own/tmp/aws"
   command -v aws > /dev/null || leave 'there is no aws command on the PATH'
   bucket=${prefix#s3://}
   path=${bucket#*/}$tag/
   bucket=${bucket%%/*}
   watch_pipe
   say "\"started\", \"pid\": $$"
   claim
   run
}

main
]==]

-- The Content-Type of artifacts by their suffix; readers ignore it, but browsers and consoles do not.
local TYPES = {
   {spec.KIND_JSON_SUFFIX, spec.KIND_JSON_CONTENT_TYPE},
   {spec.KIND_SERIES_SUFFIX, spec.KIND_SERIES_CONTENT_TYPE},
   {spec.KIND_GIT_COMMIT_SUFFIX, spec.KIND_GIT_COMMIT_CONTENT_TYPE},
   {spec.KIND_GIT_PATCH_SUFFIX, spec.KIND_GIT_PATCH_CONTENT_TYPE},
   {'.txt', spec.KIND_TEXT_CONTENT_TYPE},
   {'.md', spec.KIND_TEXT_CONTENT_TYPE},
   {'.log', spec.KIND_TEXT_CONTENT_TYPE},
   {'.png', 'image/png'},
   {'.jpg', 'image/jpeg'},
   {'.svg', 'image/svg+xml'},
   {'.pdf', 'application/pdf'},
}

local arms = {}
for index, pair in ipairs(TYPES) do arms[index] = ("   *%s) echo '%s' ;;"):format(pair[1], pair[2]) end

return (WORKER:gsub('@(%u+)@', {
   TYPES = table.concat(arms, '\n'),
   OTHER = spec.KIND_FILE_CONTENT_TYPE,
   JSON = spec.KIND_JSON_CONTENT_TYPE,
}))
