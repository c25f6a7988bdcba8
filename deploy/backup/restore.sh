#!/usr/bin/env bash
# Restores what back-up.sh backed up, into empty databases and a bucket. Nothing may be served meanwhile.
#
# usage: restore.sh OPTIONS OBJECTS BACKUP [TIME]
#
#   OPTIONS  a file of options of MariaDB's or MySQL's client: host, port, user and password of somebody who may make
#            tables in the four databases
#   OBJECTS  the bucket, as rclone names it, such as s3:igemoji
#   BACKUP   as it was told to back-up.sh
#   TIME     what back-up.sh printed; the newest unless given
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
# Objects first: a row without its object is a photo that is lost. What has no row is swept by the services.
for part in $(rclone lsf --dirs-only "$backup" | grep --line-regexp -e gone/ -e objects/); do
  rclone copy --size-only --metadata --fast-list "$backup/${part%/}" "$objects"
done
for service in "${services[@]}"; do
  gunzip --stdout "$dumps/$service.sql.gz" | "$client" --defaults-file="$options" "igemoji_$service"
done
echo "restored what was backed up at ${taken%/}"
