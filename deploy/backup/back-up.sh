#!/usr/bin/env bash
# Backs up what an installation keeps: its four databases and its objects. It may go on serving meanwhile.
#
# usage: back-up.sh OPTIONS OBJECTS BACKUP
#
#   OPTIONS  a file of options of MariaDB's or MySQL's client: host, port, user and password of somebody who may read
#            the four databases (SELECT, SHOW VIEW, TRIGGER)
#   OBJECTS  the bucket, as rclone names it, such as s3:igemoji
#   BACKUP   where to: another remote of rclone's. It holds people's photos and password hashes: one of type `crypt`
#
# In BACKUP lie objects/, which is the bucket as it is; gone/, what was in it before; databases/TIME/, a dump of each. A
# backup counts when its databases are there: they are read first and stored last, so that each row has its object. Let
# gone/ and databases/ expire after 30 days: then whichever databases are there can be restored with all their objects.
set -euo pipefail
umask 077

options=${1:?usage: back-up.sh OPTIONS OBJECTS BACKUP} objects=${2:?OBJECTS is missing} backup=${3:?BACKUP is missing}
dump=$(command -v mariadb-dump || command -v mysqldump)
taken=$(date --utc +%Y-%m-%dT%H-%M-%SZ)
dumps=$(mktemp --directory)
trap 'rm -rf "$dumps"' EXIT

for service in auth emoji_catalog ranking inference; do
  "$dump" --defaults-file="$options" --single-transaction --hex-blob --no-tablespaces "igemoji_$service" |
    gzip > "$dumps/$service.sql.gz"
done
# A key is never used twice: what has a name and its size is there.
rclone sync --size-only --metadata --fast-list --backup-dir "$backup/gone" "$objects" "$backup/objects"
rclone copy "$dumps" "$backup/databases/$taken"
echo "$taken"
