#!/bin/sh
# The first start of PostgreSQL: one role and one password per purpose, none of them a superuser.
#   airflow        owns Airflow's metadata
#   celery_results owns the workers' result backend and sees nothing else
#   fazhi_owner    owns our store and migrates it
#   fazhi          works on our store; what it may do is granted by `fazhi store roles`
#   fazhi_reader   reads our store
set -eu

secret() { cat "/run/secrets/$1"; }

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
  --set airflow="$(secret airflow_database_password)" \
  --set results="$(secret celery_result_password)" \
  --set owner="$(secret fazhi_owner_password)" \
  --set store="$(secret fazhi_store_password)" \
  --set reader="$(secret fazhi_reader_password)" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'airflow';
CREATE ROLE celery_results LOGIN PASSWORD :'results';
CREATE ROLE fazhi_owner LOGIN PASSWORD :'owner';
CREATE ROLE fazhi LOGIN PASSWORD :'store';
CREATE ROLE fazhi_reader LOGIN PASSWORD :'reader';
CREATE DATABASE airflow OWNER airflow;
CREATE DATABASE celery_results OWNER celery_results;
CREATE DATABASE fazhi OWNER fazhi_owner;
REVOKE ALL ON DATABASE airflow, celery_results, fazhi, postgres FROM PUBLIC;
GRANT CONNECT ON DATABASE fazhi TO fazhi, fazhi_reader;
SQL
