--- The worker that delivers a spool by the `aws` command, where the Python package is not installed.
--
-- It is a program for any POSIX shell (dash, bash, busybox). It lies in the spool, so that
-- `sh SPOOL/.lab-workbook/deliver` delivers later what could not be delivered now. Names reach it in the
-- worklist, as data, and are nowhere a part of its text. docs/aws-fallback.md says what it does and does not.
--
-- @module lab-workbook.awsworker

require 'lab-workbook.interpreted'(true, true)

local claim = require 'lab-workbook.awsclaim'
local ending = require 'lab-workbook.awsend'
local owner = require 'lab-workbook.awsowner'
local requests = require 'lab-workbook.awsrequests'
local spec = require 'lab-workbook.spec'

local WORKER = [==[
#!/bin/sh
# Delivers the experiment of the spool that this file lies in, by the aws command.
# Everything is in functions, so that the shell has read all of it when the spool is removed.
set -uf
umask 077

# What pidImage of begin.json is the rest of.
IMAGE_DIVISOR=@DIVISOR@
# Whole seconds, but a turn, which is half a second.
CALM=15 IDLE=600 REFRESH=600 LONGEST_PAUSE=60 REST_FACTOR=20 BEAT_EVERY=60
# The bytes by which two starts of aws may differ, and more than it reads (14 MB) before it sends anything.
NOISE=65536 START=33554432
# The most bytes that S3 takes by one request.
LARGEST_PUT=5368709120
HEARTBEAT=.lab-workbook/heartbeat.json

# Says a word, and what was sent since the last one.
say() {
   traffic=
   [ $((puts + gets + posts)) -eq 0 ] || traffic=", \"requests\": $(requests), \"bytesSent\": $bytes"
   printf '{"event": %s%s}\n' "$1" "$traffic" >> "$own/journal"
   puts=0 gets=0 posts=0 bytes=0
}

requests() { printf '{"PUT": %d, "GET": %d, "POST": %d}' "$puts" "$gets" "$posts"; }

# Makes a text fit for a string of JSON; what aws says is in English, and cut names would be no UTF-8.
plain() { printf %s "$1" | LC_ALL=C tr -cd '\040-\176' | sed 's/["\\]/\\&/g'; }
quoted() { printf %s "$1" | LC_ALL=C sed 's/"/\\"/g'; }

# Only requests may outlive this worker with its lock.
nap() {
   { sleep 0.5 2>/dev/null || sleep 1; } 9>&-
   turns=$((turns + 1))
   beat
}
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

# Takes the lines that have become whole. A list that was removed and restored is for another worker.
hear() {
   [ -e "$own/worklist" ] || exit 3
   [ ! -e /dev/fd/4 ] || [ "$own/worklist" -ef /dev/fd/4 ] || exit 3
   while IFS= read -r line <&4; do
      lines=$((lines + 1))
      take "$line"
   done
   # Half a line was read: it may yet be replaced, after the disk was full.
   [ -z "$line" ] || open_worklist
}

@OWNER@
# Sees whether the script is over; asked before the worklist is read, so that its last words are heard. That
# it is silent is no reason: only it, its kernel or a person knows that it records nothing any more.
look() {
   [ -e "$folder/$me" ] || leave 'is delivered by another process now'
   [ -z "$over" ] || { hear; return; }
   dead=$declared
   ask $process
   case $? in
   0) dead=yes ;;
   2) leave_if_forsaken ;;
   esac
   hear
   [ -n "$dead$ending" ] || return 0
   over=yes moved=$(now) pause=0
}

# A script that lives after all starts another worker with its next row.
leave_if_forsaken() {
   [ ! -e "$own/tmp/aws/open" ] && [ $(($(now) - moved)) -ge $IDLE ] || return 0
   leave 'is left, because nothing moves and whether its script lives cannot be seen from here'
}

@REQUESTS@
@CLAIM@
# --- artifacts -------------------------------------------------------------------------------------

# The sum of what is read, as a piece of JSON; nothing where the system has no sha256sum.
sum() {
   hash=$({ sha256sum || shasum -a 256; } 2>/dev/null)
   [ -z "$hash" ] || printf ', "sha256": "%s"' "${hash%% *}"
}

published() { say "\"published\", \"name\": \"$(quoted "$1")\", \"bytes\": $2$3"; }

# Takes note that an artifact will never be in the bucket as it was saved; $3 is more of the event.
lose() {
   say "\"lost\", \"name\": \"$(quoted "$1")\", \"message\": \"$2\"${3-}"
}

# Sends a file of the outbox. One that is gone was sent by an earlier worker, or removed by somebody else.
put() {
   file=$own/outbox/$1
   if [ ! -e "$file" ]; then
      grep -qF "\"outbox\": \"$1\"" "$own/journal" ||
         lose "$2" 'its file was removed from the spool before it was uploaded' ", \"outbox\": \"$1\""
      return 0
   fi
   publish "$2" "$file" || return 1
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

# Whether a series whose file is gone is to be waited for: its script puts it back, as long as it lives.
is_awaited() {
   ask $process
   if [ $? -eq 1 ]; then
      echo "the file of $1 was removed from the spool" > "$own/tmp/aws/said"
      return 0
   fi
   lose "$1" 'its file was removed from the spool, and its script is gone'
   return 1
}

# Sends a series, up to a row. It is sent whole each time, so it must have grown by a quarter since the last
# time, unless all rows are asked for.
series() {
   file=$spool/$2 sent=0
   if [ ! -e "$file" ]; then
      [ -n "$over" ] && is_awaited "$2" && return 1
      return 0
   fi
   [ ! -e "$own/tmp/aws/series-$1" ] || read -r sent < "$own/tmp/aws/series-$1"
   size=$(($(wc -c < "$file"))) least=$((sent + 1))
   [ -n "$everything" ] || least=$((sent + sent / 4 + 1))
   [ "$size" -ge "$least" ] || return 0
   size=$(whole "$file" "$size")
   [ "$size" -ge "$least" ] || return 0
   # A power loss must not take back what readers of the bucket have seen.
   sync -d "$file" 2>/dev/null || :
   # What is sent must not grow meanwhile.
   head -c "$size" "$file" > "$own/tmp/aws/rows" && publish "$2" "$own/tmp/aws/rows" || return 1
   published "$2" "$size" "$(sum < "$own/tmp/aws/rows")"
   rm -f "$own/tmp/aws/rows"
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

@END@
# --- all of it -------------------------------------------------------------------------------------

# Some servers other than AWS refuse newer checksums.
suit_server() {
   case $1 in '' | *.amazonaws.com* ) return ;; esac
   export AWS_REQUEST_CHECKSUM_CALCULATION="${AWS_REQUEST_CHECKSUM_CALCULATION:-when_required}"
   export AWS_RESPONSE_CHECKSUM_VALIDATION="${AWS_RESPONSE_CHECKSUM_VALIDATION:-when_required}"
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
      if [ -n "$late" ] && [ -z "$over" ]; then
         nap
         continue
      fi
      was_over=$over asked=$flushes everything=$over$flushes rows=
      flushes=
      [ "$turns" -lt $((refreshed + 2 * REFRESH)) ] || everything=yes
      [ -z "$everything" ] && [ "$turns" -lt "$resting" ] || rows=yes
      [ -z "$rows" ] && [ "$lines" -eq "$through" ] || deliver
      [ -z "$was_over" ] || finish
      nap
   done
}

main() {
   spool=${0%/.lab-workbook/deliver}
   case $spool in /*) ;; *) spool=$PWD/$spool ;; esac
   own=$spool/.lab-workbook
   folder=$own/lock-owner me=
   declared= started=
   case ${1-} in
   seal) declared=yes ;;
   started) started=yes ;;
   esac
   exec 3<&0 < /dev/null
   cd /
   turns=0 lines=0 through=0 pause=0 moved=$(now)
   prefix= tag= explicit= every=10 process= interrupted=
   endpoint= profile= region= encryption= key= class= acl=
   flushes= ending= over= late= beaten= beating= usual=${AWS_MAX_ATTEMPTS:-3} attempts=1
   puts=0 gets=0 posts=0 bytes=0 furthest=0
   boot= namespace=$(readlink /proc/self/ns/pid 2>/dev/null)
   { read -r boot < /proc/sys/kernel/random/boot_id; } 2>/dev/null || :
   # Where /proc is that of another namespace, its numbers are other processes.
   case $(sed -n 's/^NSpid:[[:space:]]*//p' /proc/self/status 2>/dev/null) in *[[:space:]]*) boot= ;; esac
   mkdir -p "$own/tmp/aws"
   open_worklist
   hear
   # Of a script that cannot be asked from here, only its own worker may deliver what may not be all.
   ask $process
   [ $? -ne 2 ] || [ -n "$ending$declared$started" ] ||
      leave "may be recorded still, by process ${process%% *} elsewhere; if that is dead: sh $0 seal"
   lock
   command -v aws > /dev/null || leave 'there is no aws command on the PATH'
   bucket=${prefix#s3://}
   path=${bucket#*/}$tag/
   bucket=${bucket%%/*}
   suit_server "${endpoint:-${AWS_ENDPOINT_URL_S3:-${AWS_ENDPOINT_URL:-}}}"
   watch_pipe
   say "\"started\", \"pid\": $$"
   take_over
   ! is_begun || finish
   know_bucket
   run
}

main "$@"
]==]

return (WORKER:gsub('@(%u+)@', {
   CLAIM = claim,
   DIVISOR = ('%d'):format(spec.BEGIN_IMAGE_DIVISOR),
   END = ending,
   OWNER = owner,
   REQUESTS = requests,
}))
