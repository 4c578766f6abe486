#!/bin/sh
# Gives the database's password to its driver and runs the service's own command.
set -eu

# libpq's variable rather than a part of the URL: it needs no quoting and is shown in no log.
if [ -r /run/secrets/database_password ]; then
    PGPASSWORD=$(cat /run/secrets/database_password)
    export PGPASSWORD
fi

exec "$@"
