#!/bin/sh
# Before the services start, every time: databases at their newest migrations, rights, pools, the ground on its volume.
# Safe to repeat; nothing that a person changed is overwritten.
set -eu

for folder in include/indicator_systems include/registry include/holidays include/signers great_expectations; do
  part=${folder##*/}
  if [ ! -e "/srv/ground/$part" ]; then
    cp -R "/srv/fazhi/$folder" "/srv/ground/.$part.part"
    mv "/srv/ground/.$part.part" "/srv/ground/$part"
  fi
done

fazhi store upgrade
fazhi store roles --owner fazhi_owner --app fazhi --reader fazhi_reader

airflow db migrate
python -m fazhi.services roles
airflow pools set portal 2 报送门户
airflow pools set platform 1 考评平台
if ! airflow users list --output plain | grep -qw administrator; then
  password=$(cat /run/secrets/administrator_password)
  printf '%s\n%s\n' "$password" "$password" | airflow users create --username administrator --role Admin \
    --firstname 系统 --lastname 管理员 --email administrator@localhost.invalid
fi
