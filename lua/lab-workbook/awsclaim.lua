--- How the worker in sh claims a tag, and shows that its script lives.
-- @module lab-workbook.awsclaim

require 'lab-workbook.interpreted'(true, true)

return [==[
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
   gets=$((gets + 1))
   request s3api get-object "--bucket=$bucket" "--key=${path}.lab-workbook/begin.json" "$theirs" &&
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

# Claims the tag. aws sends each request once: "exists already" to a second sending would say nothing, and
# nobody could count it.
claim() {
   open=no resumed=yes
   case $(grep -E '"event": "(claiming|claimed|refused)"' "$own/journal" | tail -n 1) in
   *'"claimed"'*) return ;;
   *'"claiming"'*) open=yes ;;
   esac
   [ "$open" = yes ] || { resumed=; say '"claiming"'; }
   until
      create .lab-workbook/begin.json "$own/begin.json" || judge
   do
      open=yes
      complain "$(why)"
      wait_after_failure
   done
   say '"claimed"'
   arrived
}

# --- the heartbeat ---------------------------------------------------------------------------------

heartbeat() {
   printf '{"time": "%s", "first": %s}\n' "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" "$1" > "$own/tmp/aws/heartbeat"
}

# Beats twice, which shows whether this bucket lets objects be replaced. Where it does not, each artifact is
# put once, at the end, and there is no further beat.
beat_first() {
   heartbeat true
   create "$HEARTBEAT" "$own/tmp/aws/heartbeat" || exists || return 1
   heartbeat false
   if replace "$HEARTBEAT" "$own/tmp/aws/heartbeat"; then
      say '"bucket", "overwrites": true'
      beaten=$(now)
   else
      case $(why) in *'(AccessDenied)'* | *'(403)'*) ;; *) return 1 ;; esac
      echo "$tag: the bucket lets nothing be replaced, so all is delivered at the end" >&2
      say '"bucket", "overwrites": false'
      late=yes
   fi
   arrived
}

# Nothing is put before that is known, or before the script is over; then it does not matter any more.
know_bucket() {
   case $(grep '"event": "bucket"' "$own/journal" | tail -n 1) in
   *'"overwrites": true'*) beaten=0 ;;
   *'"overwrites": false'*) late=yes ;;
   *)
      look
      until [ -n "$over" ] || beat_first; do wait_after_failure; done
      [ -n "$beaten" ] || late=yes ;;
   esac
}

# Beats once a minute while the script lives, beside whatever request is under way.
beat() {
   [ -n "$beaten" ] && [ -z "$over" ] && [ $(($(now) - beaten)) -ge $BEAT_EVERY ] || return 0
   [ -z "$beating" ] || ! kill -0 "$beating" 2>/dev/null || return 0
   finish_beat
   beaten=$(now)
   heartbeat false
   put_by call "$HEARTBEAT" "$own/tmp/aws/heartbeat" < /dev/null > /dev/null 2> "$own/tmp/aws/beat" &
   beating=$!
}

# Waits for the beat that is under way.
finish_beat() {
   [ -n "$beating" ] || return 0
   wait "$beating"
   count_put "$own/tmp/aws/heartbeat" "$own/tmp/aws/beat"
   beating=
}
]==]
