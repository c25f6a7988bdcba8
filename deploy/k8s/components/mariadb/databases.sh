#!/bin/sh
# Run once by the image, when the data folder is empty: each service gets a database that no other can read.
set -eu
for service in auth emoji_catalog ranking inference; do
  password=$(printenv "$(printf %s "$service" | tr a-z A-Z)_PASSWORD")
  mariadb --user=root --password="$MARIADB_ROOT_PASSWORD" <<SQL
CREATE DATABASE igemoji_$service CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER 'igemoji_$service'@'%' IDENTIFIED BY '$password';
GRANT ALL PRIVILEGES ON igemoji_$service.* TO 'igemoji_$service'@'%';
SQL
done
