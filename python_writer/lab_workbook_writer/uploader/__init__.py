"""
The uploader: a process beside the script that mirrors a spool to a bucket.

``docs/spool.md`` is its whole contract with the writers. It knows nothing of them but the files that
they leave in the spool, and the protocol.

    queue ─► delivery ─► uploads, upload_queue ─► jobs ─► store.s3
               │  ▲                                 │
             growth, heartbeat                      └─► journal ─► segments: what comes next
               │
             publications: when rows are due
"""
