#!/bin/sh
# Run once by the database of compose-cluster.yaml: granja needs a role that is no superuser, and a
# database that it owns.
set -eu
psql --set ON_ERROR_STOP=1 --set password="$POSTGRES_PASSWORD" --dbname postgres <<'SQL'
CREATE ROLE granja LOGIN PASSWORD :'password';
CREATE DATABASE granja OWNER granja ENCODING 'UTF8' TEMPLATE template0;
SQL
