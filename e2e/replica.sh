# Runs the server of one Pod of a StatefulSet: a primary in pg-2, and its copies elsewhere.
set -eu
run() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }

install --directory --owner=postgres --group=postgres --mode=0700 "$PGDATA"
# A server that was stopped on purpose stays down, although its container starts again.
while [ -e /data/hold ]; do sleep 1; done
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	if [ "${HOSTNAME##*-}" = 2 ]; then
		run initdb --username=postgres --auth=trust >/dev/null
		printf '%s\n' 'host replication all all trust' 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
		echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
	else
		until run pg_basebackup --host=pg-2.pg --username=postgres --pgdata="$PGDATA" --checkpoint=fast --write-recovery-conf; do
			find "$PGDATA" -mindepth 1 -delete
			sleep 0.5
		done
	fi
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups postgres
