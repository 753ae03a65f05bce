--- How the worker in sh ends an experiment: end.json, created once, and the spool, removed or set aside.
-- @module lab-workbook.awsend

require 'lab-workbook.interpreted'(true, true)

return [==[
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

# How many artifacts are lost, from the journal; one that was saved again later is not.
count_lost() {
   LC_ALL=C awk '
      /^\{"event": "(lost|published)", / {
         match($0, /"name": "([^"\\]|\\.)*"/)
         name = substr($0, RSTART, RLENGTH)
         if (/^\{"event": "lost"/) lost[name]; else delete lost[name]
      }
      END { for (name in lost) count++; print count + 0 }' "$own/journal"
}

# The end of the script, $1, with the artifacts that are lost here added to its own count.
counted() {
   printf %s "$1" | LC_ALL=C awk -v more="$(count_lost)" '
      match($0, /"artifacts": [0-9]+/) {
         count = substr($0, RSTART + 13, RLENGTH - 13) + more
         $0 = substr($0, 1, RSTART - 1) "\"artifacts\": " count substr($0, RSTART + RLENGTH)
      }
      { print }'
}

# What was sent: what the journal says, and what has come since.
delivered() {
   LC_ALL=C awk -v puts="$puts" -v gets="$gets" -v posts="$posts" -v bytes="$bytes" '
      function number(key) {
         return match($0, "\"" key "\": [0-9]+") ? substr($0, RSTART + length(key) + 4) + 0 : 0
      }
      /"requests": / {
         puts += number("PUT")
         gets += number("GET")
         posts += number("POST")
         bytes += number("bytesSent")
      }
      END {
         format = "{\"requests\": {\"PUT\": %.0f, \"GET\": %.0f, \"POST\": %.0f}, \"bytes\": %.0f}"
         printf format, puts, gets, posts, bytes
      }' "$own/journal"
}

end_document() {
   end=$(counted "${ending:-$(vanished)}")
   printf '%s, "files": {".lab-workbook/begin.json": {"bytes": %s%s}%s}, "delivery": %s}' "${end%\}}" \
      "$(($(wc -c < "$own/begin.json")))" "$(sum < "$own/begin.json")" "$(files)" "$(delivered)"
}

# Where a sum cannot be made, the event alone says that a document was sent.
sealing() { printf '"sealing"%s' "$(sum < "$own/end.json")"; }

# Whether another worker was sending end.json; it is sent again as it is. One that never was is made anew.
is_begun() {
   [ -e "$own/end.json" ] || return 1
   grep -qF "$(sealing)" "$own/journal" || { rm -f "$own/end.json"; return 1; }
}

# Whether the end.json that is there is ours: by its bytes, or where it may not be read, because an earlier
# request got no answer.
is_our_end() {
   gets=$((gets + 1))
   theirs=$own/tmp/aws/theirs
   if request s3api get-object "--bucket=$bucket" "--key=${path}.lab-workbook/end.json" "$theirs"; then
      cmp -s "$theirs" "$own/end.json"
   else
      [ -n "$unanswered" ]
   fi
}

# Puts end.json: 1 is no answer, and 2 that another process has sealed the experiment.
seal() {
   create .lab-workbook/end.json "$own/end.json" && return
   exists || { unanswered=yes; return 1; }
   is_our_end || return 2
}

# Whether another process has ended the experiment; where that may not be read, it counts as not ended.
has_ended() {
   theirs=$own/tmp/aws/theirs
   gets=$((gets + 1))
   until request s3api get-object "--bucket=$bucket" "--key=${path}.lab-workbook/end.json" "$theirs"; do
      case $(why) in *NoSuchKey* | *'(404)'* | *'(AccessDenied)'* | *'(403)'*) return 1 ;; esac
      complain "$(why)"
      wait_after_failure
      gets=$((gets + 1))
   done
   ! cmp -s "$theirs" "$own/end.json"
}

# A backup may bring a spool back whose experiment has ended: its older files must not replace anything.
take_over() {
   if grep -qF '{"event": "ended"' "$own/journal"; then
      remove
      exit 0
   fi
   claim
   [ -n "$started" ] || [ -z "$resumed" ] || ! has_ended || set_aside 'another process'
}

# Ends the experiment, and this worker.
finish() {
   finish_beat
   final=yes unanswered=
   if is_begun; then
      unanswered=yes
      # Its script may have lived, and recorded more since.
      end=$(counted "$ending")
      case $(cat "$own/end.json") in "${end%\}}"*) [ -n "$ending" ] || final= ;; *) final= ;; esac
   else
      [ -n "$ending" ] || { ask $process; [ $? -eq 0 ] || final=; }
      end_document > "$own/tmp/aws/end.json" && mv "$own/tmp/aws/end.json" "$own/end.json"
      say "$(sealing)"
   fi
   until seal; do
      [ $? -ne 2 ] || set_aside 'another process'
      wait_after_failure
   done
   [ -n "$final" ] || set_aside 'sh deliver seal'
   say '"ended"'
   echo "$tag: delivered to $prefix$tag/"
   remove
   exit 0
}

# Keeps the spool of an experiment that is sealed though its script may live. Without a queue uploaders of
# older versions do not see it, and would remove it.
set_aside() {
   say "\"sealed\", \"by\": \"$1\""
   mv "$own/queue" "$own/sealed"
   mv "$own/worklist" "$own/worklist.sealed"
   leave "was sealed by $1; what its script records later stays in $spool"
}

# Removes the spool, in one step as far as anyone can see.
remove() {
   removed=${spool%/*}/.removed-${spool##*/}
   mv "$spool" "$removed" && rm -rf "$removed"
}
]==]
