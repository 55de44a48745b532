# Reports the first way in which the command, a login that does nothing else, succeeds. Before the command come the text of
# password.sh and the administrator's name.
password=$1 user=$2
shift 2
trap '' PIPE
works() { ("$@" </dev/null >/dev/null 2>&1 || exit 1); } # see drain.sh
report() {
	echo "pgbind $*"
	exit 0
}
works "$@" && report none
# peer lets the system's user of the same name in.
if [ "$(id -u)" = 0 ] && id -u "$user" >/dev/null 2>&1; then
	works gosu "$user" "$@" && report switcher gosu
	works setpriv "--reuid=$user" "--regid=$user" --init-groups "$@" && report switcher setpriv
	works su -s /bin/sh -c 'exec "$@"' -- "$user" sh "$@" && report switcher su
fi
# The official image makes POSTGRES_USER the administrator. Bitnami's makes it another user than postgres, whose password has a variable of its own.
if [ -z "${POSTGRES_USER-}" ] && [ -r "${POSTGRES_USER_FILE-}" ]; then
	IFS= read -r POSTGRES_USER <"$POSTGRES_USER_FILE"
fi
if [ "$user" = postgres ]; then
	variables='POSTGRES_POSTGRES_PASSWORD POSTGRESQL_POSTGRES_PASSWORD'
fi
if [ "$user" = "${POSTGRES_USER:-${POSTGRESQL_USERNAME:-postgres}}" ]; then
	variables="${variables-} POSTGRES_PASSWORD POSTGRESQL_PASSWORD"
fi
for variable in ${variables-}; do
	works sh -c "$password" sh "$variable" "$@" && report variable "$variable"
done
exit 0
