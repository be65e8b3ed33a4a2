#!/bin/sh
# PostgreSQL's first start: each service's database and three roles, none of them a superuser, for
# whom row-level security would be silently void. Passwords come from the environment.
set -eu
for service in enrollment settlement audit; do
    upper=$(echo "$service" | tr '[:lower:]' '[:upper:]')
    psql -v ON_ERROR_STOP=1 -U postgres -d postgres \
        -v service="$service" \
        -v owner="$(printenv "${upper}_OWNER_PASSWORD")" \
        -v worker="$(printenv "${upper}_SERVICE_PASSWORD")" \
        -v writer="$(printenv "${upper}_GROUP_PASSWORD")" <<'SQL'
select format('create role %I login nosuperuser nobypassrls password %L', :'service' || '_owner', :'owner') \gexec
select format('create role %I login nosuperuser nobypassrls password %L', :'service' || '_service', :'worker') \gexec
select format('create role %I login nosuperuser nobypassrls password %L', :'service' || '_group', :'writer') \gexec
select format('create database %I owner %I', :'service', :'service' || '_owner') \gexec
select format('revoke all on database %I from public', :'service') \gexec
select format('grant connect on database %I to %I, %I', :'service', :'service' || '_service', :'service' || '_group') \gexec
SQL
    psql -v ON_ERROR_STOP=1 -U postgres -d "$service" -c 'create extension btree_gist'
    # The owner looks for stuck sessions of the other roles.
    psql -v ON_ERROR_STOP=1 -U postgres -c "grant pg_read_all_stats to ${service}_owner"
done
