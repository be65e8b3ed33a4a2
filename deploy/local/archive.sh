#!/bin/sh
# Keep elsewhere what a restore needs: the write-ahead log, and the anchors of the sealed log with it.
#   archive.sh DATA_DIR ARCHIVE PATH NAME   one segment, as PostgreSQL's archive_command asks for it
#   archive.sh DATA_DIR ARCHIVE             all that a dead cluster's disk still holds
# A block is anchored before it is stored, and the anchors are copied before the segment: so no block
# of an archived segment lacks its anchor. A copy only grows. Where the anchors no longer begin with
# what was copied before, somebody cut or rewrote them: the copy stays, and they are kept beside it.
set -eu
data=$1 archive=$2

keep() { # under another name until it is whole on the disk: a crash leaves no half of a segment
    if [ -f "$archive/$2" ]; then
        cmp -s "$1" "$archive/$2" && return
        echo "archive: $archive/$2 is there already, and is another" >&2
        return 1
    fi
    cp "$1" "$archive/$2.part"
    sync "$archive/$2.part"
    mv "$archive/$2.part" "$archive/$2"
}

for anchors in "$data"/*.anchors; do
    [ -f "$anchors" ] || continue
    copy=$archive/${anchors##*/}
    touch "$copy"
    had=$(wc -c <"$copy")
    if head -c "$had" "$anchors" | cmp -s - "$copy"; then
        tail -c +$((had + 1)) "$anchors" >>"$copy"
        sync "$copy"
    else
        echo "archive: $anchors no longer begins with $copy: the copy stays as it was" >&2
        cp "$anchors" "$copy.other"
    fi
done

if [ $# -eq 4 ]; then
    keep "$3" "$4"
else
    for segment in "$data"/postgres/pgdata/pg_wal/0*; do
        # What is there already was archived whole.
        [ -f "$archive/${segment##*/}" ] || keep "$segment" "${segment##*/}"
    done
fi
