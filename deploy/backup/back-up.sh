#!/usr/bin/env bash
# Back up the four databases and the objects of an installation, while it serves.
#
# usage: back-up.sh OPTIONS OBJECTS BACKUP
#
#   OPTIONS  option file of the MariaDB or MySQL client: host, port, and a user who may read the four databases (SELECT,
#            SHOW VIEW, TRIGGER) with the password
#   OBJECTS  the bucket as an rclone path, such as s3:igemoji
#   BACKUP   destination: another rclone remote. It will contain photos and password hashes: use the type `crypt`
#
# BACKUP has objects/, the current bucket; gone/, objects deleted since; databases/TIME/, the dumps. A backup is complete
# when its dumps are there: they are made first and stored last, so that each row has its object. Expire gone/ and
# databases/ after 30 days: then every dump that exists can be restored with all its objects.
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
# Keys are never reused: an object with the same name and size is the same.
rclone sync --size-only --metadata --fast-list --backup-dir "$backup/gone" "$objects" "$backup/objects"
rclone copy "$dumps" "$backup/databases/$taken"
echo "$taken"
