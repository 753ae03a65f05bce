--- The requests of the worker in sh: how it calls the `aws` command, and how it claims a tag.
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

# Runs aws, with its input from descriptor 6. A script that waits hears whether bytes move.
request() {
   call "$@" <&6 > /dev/null 2> "$own/tmp/aws/said" &
   watch $!
   wait $! || return 1
   [ ! -e "$own/tmp/aws/trouble" ] || { rm -f "$own/tmp/aws/trouble"; say '"recovered"'; }
}

watch() {
   count=0 calm=0 before=
   while kill -0 "$1" 2>/dev/null; do
      { sleep 0.2 2>/dev/null || sleep 1; } 9>&-
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

# Whether the last request failed because the object is there already.
exists() { case $(why) in *PreconditionFailed* | *'(412)'*) ;; *) return 1 ;; esac; }

# Puts a file by one request, with one more option if there is one.
put_object() {
   set -- s3api put-object "--bucket=$bucket" "--key=$path$1" "--body=$2" ${3:+"$3"} \
      ${encryption:+"--server-side-encryption=$encryption"} ${key:+"--ssekms-key-id=$key"} \
      ${class:+"--storage-class=$class"} ${acl:+"--acl=$acl"} \
      "--content-type=$(content_type "$1")"
   request "$@" 6< /dev/null || { name_error "$@"; return 1; }
}

# Ceph's errors have no message, over which aws stumbles before it says which error it was. Then it is asked
# once more, with all that it can tell; of that only the name is kept, for there are signatures in it.
name_error() {
   case $(why) in *"'NoneType'"*) ;; *) return ;; esac
   # What exists by now may come from the first time.
   open=yes
   code=$(call --debug "$@" 2>&1 > /dev/null < /dev/null |
      LC_ALL=C sed -n 's/.*<Code>\([A-Za-z0-9]*\)<.*/\1/p' | tail -n 1)
   [ -z "$code" ] || echo "An error occurred ($code) when calling $1 $2" > "$own/tmp/aws/said"
}

# Puts a file that must not exist yet.
create() { put_object "$1" "$2" '--if-none-match=*'; }

# Puts a file, or what descriptor 6 gives where the file is -.
replace() {
   request s3 cp --only-show-errors "--content-type=$(content_type "$1")" \
      ${encryption:+"--sse=$encryption"} ${key:+"--sse-kms-key-id=$key"} \
      ${class:+"--storage-class=$class"} ${acl:+"--acl=$acl"} "$2" "$prefix$tag/$1"
}

# Puts the file of an artifact: once, where the bucket allows no more than that.
publish() {
   [ -n "$late" ] || { replace "$1" "$2" 6< /dev/null; return; }
   create "$1" "$2" || exists
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
   if exists; then
      is_ours || refuse taken "another experiment has the tag '$tag': choose another tag"
      return
   fi
   said=$(why)
   case $said in
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
   [ "$open" = yes ] || say '"claiming"'
   until
      create .lab-workbook/begin.json "$own/begin.json" || judge
   do
      open=yes
      wait_after_failure
   done
   attempts=$usual
   say '"claimed"'
   arrived
}

# Finds out whether this bucket refuses to replace objects, by putting begin.json once more as it is. Then
# each artifact is put once, at the end.
try_to_replace() {
   [ ! -e "$own/tmp/aws/late" ] || late=yes
   [ ! -e "$own/tmp/aws/tried" ] || return 0
   until put_object .lab-workbook/begin.json "$own/begin.json"; do
      case $(why) in
      *'(AccessDenied)'* | *'(403)'*)
         echo "$tag: the bucket lets nothing be replaced, so all is delivered at the end" >&2
         : > "$own/tmp/aws/late"
         late=yes
         break ;;
      esac
      wait_after_failure
   done
   : > "$own/tmp/aws/tried"
   say '"progress"'
   arrived
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
