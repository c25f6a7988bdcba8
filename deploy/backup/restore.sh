#!/usr/bin/env bash
# Restore a backup of back-up.sh into empty databases and a bucket. No service may run.
#
# usage: restore.sh OPTIONS OBJECTS BACKUP [TIME]
#
#   OPTIONS  option file of the MariaDB or MySQL client: host, port, and a user who may create tables in the four
#            databases with the password
#   OBJECTS  the bucket as an rclone path, such as s3:igemoji
#   BACKUP   as for back-up.sh
#   TIME     as back-up.sh printed it; default: the latest
set -euo pipefail
umask 077

options=${1:?usage: restore.sh OPTIONS OBJECTS BACKUP [TIME]} objects=${2:?OBJECTS is missing} backup=${3:?BACKUP is missing}
services=(auth emoji_catalog ranking inference)
client=$(command -v mariadb || command -v mysql)
taken=${4:-$(rclone lsf --dirs-only "$backup/databases" | sort | tail -n 1)}
dumps=$(mktemp --directory)
trap 'rm -rf "$dumps"' EXIT

rclone copy "$backup/databases/${taken%/}" "$dumps"
for service in "${services[@]}"; do
  gzip --test "$dumps/$service.sql.gz"
  if [[ -n $("$client" --defaults-file="$options" --execute 'SHOW TABLES' "igemoji_$service") ]]; then
    echo "igemoji_$service is not empty: nothing was restored." >&2
    exit 1
  fi
done
# Objects first: a row without its object is a lost photo. Objects without rows are swept by the services.
for part in $(rclone lsf --dirs-only "$backup" | grep --line-regexp -e gone/ -e objects/); do
  rclone copy --size-only --metadata --fast-list "$backup/${part%/}" "$objects"
done
for service in "${services[@]}"; do
  gunzip --stdout "$dumps/$service.sql.gz" | "$client" --defaults-file="$options" "igemoji_$service"
done
echo "restored the backup of ${taken%/}"
