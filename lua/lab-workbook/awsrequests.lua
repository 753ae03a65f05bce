--- The requests of the worker in sh: how it calls the `aws` command, and counts what it sends.
-- @module lab-workbook.awsrequests

require 'lab-workbook.interpreted'(true, true)

local spec = require 'lab-workbook.spec'

local REQUESTS = [==[
# --- requests --------------------------------------------------------------------------------------

# Becomes aws, so it is called where a shell of its own is.
call() {
   export AWS_MAX_ATTEMPTS="$attempts" AWS_PAGER='' AWS_CLI_AUTO_PROMPT=off PYTHONUTF8=1
   exec aws ${endpoint:+"--endpoint-url=$endpoint"} ${profile:+"--profile=$profile"} \
      ${region:+"--region=$region"} --cli-connect-timeout=10 --cli-read-timeout=60 "$@"
}

# Runs aws. A script that waits is told whether bytes move.
request() {
   call "$@" < /dev/null > "$own/tmp/aws/answer" 2> "$own/tmp/aws/said" &
   watch $!
   wait $! || return 1
   furthest=0
   [ ! -e "$own/tmp/aws/trouble" ] || { rm -f "$own/tmp/aws/trouble"; say '"recovered"'; }
}

watch() {
   count=0 calm=0
   while kill -0 "$1" 2>/dev/null; do
      { sleep 0.2 2>/dev/null || sleep 1; } 9>&-
      count=$((count + 1))
      [ $((count % 5)) -ne 0 ] || beat
      [ $((count % 10)) -eq 0 ] || continue
      calm=$((calm + 2))
      ! has_moved "$1" || { calm=0; say '"progress"'; }
      [ "$calm" -lt $CALM ] || complain "the server has not answered for $CALM s"
   done
}

# Whether aws has read more than any attempt since the last request that worked. The first look only sets the
# mark, because aws reads itself when it starts; later attempts begin with the same bytes. Where the system
# does not tell how much was read, there is no progress before a request has worked.
has_moved() {
   { read -r word position < "/proc/$1/io"; } 2>/dev/null || return 1
   [ ! -e "$own/tmp/aws/trouble" ] || [ "$furthest" -ge $START ] || furthest=$START
   [ "$position" -gt $((furthest + NOISE)) ] || return 1
   mark=$furthest furthest=$position
   [ "$mark" -ne 0 ]
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

# Whether the last request failed because the object is there already.
exists() { case $(why) in *PreconditionFailed* | *'(412)'*) ;; *) return 1 ;; esac; }

# Counts a put of file $1 about which aws has said what is in file $2.
count_put() {
   ! grep -q 'Could not connect' "$2" || return 0
   puts=$((puts + 1)) bytes=$((bytes + $(wc -c < "$1")))
}

# Calls $1 with what puts a file by one request, and up to two more options. Prints the ETag of the answer.
put_by() {
   "$1" s3api put-object --query=ETag --output=text \
      "--bucket=$bucket" "--key=$path$2" "--body=$3" ${4:+"$4"} ${5:+"$5"} \
      ${encryption:+"--server-side-encryption=$encryption"} ${key:+"--ssekms-key-id=$key"} \
      ${class:+"--storage-class=$class"} ${acl:+"--acl=$acl"} \
      "--content-type=$(content_type "$2")"
}

# Puts a file by one request, with one more option if there is one.
put_object() {
   put_by request "$@"
   result=$?
   count_put "$2" "$own/tmp/aws/said"
   # A captive portal answers everything with a page, which aws takes for success.
   [ "$result" -ne 0 ] || case $(cat "$own/tmp/aws/answer") in
   None)
      echo 'what answers is not an S3 server; check the network and the endpoint' > "$own/tmp/aws/said"
      return 1 ;;
   esac
   [ "$result" -eq 0 ] || case $(why) in *"'NoneType'"*) name_error "$@" ;; esac
   return "$result"
}

# Ceph's errors have no message, over which aws stumbles before it says which error it was. Then it is asked
# once more, with all that it can tell; of that only the name is kept, for there are signatures in it.
name_error() {
   # What exists by now may come from the first time.
   open=yes
   code=$(put_by call "$@" --debug 2>&1 > /dev/null < /dev/null |
      LC_ALL=C sed -n 's/.*<Code>\([A-Za-z0-9]*\)<.*/\1/p' | tail -n 1)
   count_put "$2" /dev/null
   [ -z "$code" ] || echo "An error occurred ($code) when calling PutObject" > "$own/tmp/aws/said"
}

# Puts a file that must not exist yet, or one that may.
create() { put_object "$1" "$2" '--if-none-match=*'; }
replace() { put_object "$1" "$2"; }

# Puts a file that is too large for one request, so that it replaces: not every aws command can create in
# parts. These are counted as aws makes them by default; what it repeats is not known.
replace_in_parts() {
   attempts=$usual
   request s3 cp --only-show-errors "--content-type=$(content_type "$1")" \
      ${encryption:+"--sse=$encryption"} ${key:+"--sse-kms-key-id=$key"} \
      ${class:+"--storage-class=$class"} ${acl:+"--acl=$acl"} "$2" "$prefix$tag/$1"
   result=$?
   attempts=1 total=$(($(wc -c < "$2"))) part=8388608
   while [ $((total / part)) -ge 10000 ]; do part=$((part * 2)); done
   posts=$((posts + 2)) puts=$((puts + (total + part - 1) / part)) bytes=$((bytes + total))
   return "$result"
}

# Whether an artifact was put before, as far as we know.
is_there() { LC_ALL=C grep -qF "\"published\", \"name\": \"$(quoted "$1")\"," "$own/journal"; }

# Puts the file of an artifact: first so that it is created, and later so that it is replaced, where the
# bucket allows that. What exists already comes from a request whose answer was lost.
publish() {
   [ "$(($(wc -c < "$2")))" -le $LARGEST_PUT ] || { replace_in_parts "$1" "$2"; return; }
   if [ -n "$late" ] || ! is_there "$1"; then
      create "$1" "$2" && return
      exists || return 1
      [ -z "$late" ] || return 0
   fi
   replace "$1" "$2"
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
   # One that works the next time is no news.
   [ "$pause" -eq 0 ] || complain "$(why)"
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

return (REQUESTS:gsub('@(%u+)@', {TYPES = table.concat(arms, '\n'), OTHER = spec.KIND_FILE_CONTENT_TYPE}))
