# Reports the first way in which psql gets a session: a line each for the host, the administrator, the database and the
# method. The arguments are the text of password.sh, the administrator's name, and the words before psql, which set its
# environment.
password=$1 administrator=$2
shift 2
trap '' PIPE
works() { ("$@" </dev/null >/dev/null 2>&1 || exit 1); } # see run_psql.sh

# attempt runs psql, after words that switch the user or set the password. The method comes first.
attempt() {
	method=$1
	shift
	for database in postgres template1; do
		if works "$@" psql --no-psqlrc --no-password --file=/dev/null ${host:+"--host=$host"} "--username=$user" "--dbname=$database"; then
			printf 'pgbind host %s\npgbind user %s\npgbind database %s\npgbind %s\n' "$host" "$user" "$database" "$method"
			exit 0
		fi
	done
}

# sockets prints the directories in which a process of the Pod has a socket of PostgreSQL.
sockets() {
	while read -r _ _ _ _ _ _ _ path; do
		case $path in
		*[[:space:]]* | /*/.s.PGSQL.*[!0-9]*) ;;
		/*/.s.PGSQL.*) [ ! -S "$path" ] || printf '%s\n' "${path%/*}" ;;
		esac
	done </proc/net/unix
}
hosts="$(sockets 2>/dev/null) 127.0.0.1"

# Each variable with a password belongs to the role that the variable before it names; without one, to postgres. They are
# those of the image postgres, Bitnami's images with their older names, Red Hat's image, Spilo and Patroni.
passwords='POSTGRES_USER:POSTGRES_PASSWORD -:POSTGRES_POSTGRES_PASSWORD -:POSTGRESQL_POSTGRES_PASSWORD
	POSTGRESQL_USERNAME:POSTGRESQL_PASSWORD -:POSTGRESQL_ADMIN_PASSWORD PGUSER_SUPERUSER:PGPASSWORD_SUPERUSER
	PATRONI_SUPERUSER_USERNAME:PATRONI_SUPERUSER_PASSWORD'

# find_owner sets $owner to the role of an entry of $passwords. The name is in the variable, or in a file that NAME_FILE names.
find_owner() {
	owner='' file=''
	[ "$1" = - ] || eval "owner=\${$1-} file=\${$1_FILE-}"
	if [ -z "$owner" ] && [ -r "$file" ]; then
		IFS= read -r owner <"$file"
	fi
	owner=${owner:-postgres}
}

# is_silent reports whether no server answers at $host. An image without pg_isready does not tell.
is_silent() {
	("$@" pg_isready --quiet ${host:+"--host=$host"} </dev/null >/dev/null 2>&1 || exit $?)
	[ $? = 2 ]
}

# log_in tries all that can let $user in at $host. An empty host is the container's own setting.
log_in() {
	is_silent "$@" && return
	attempt none "$@"
	# peer lets the system's user of the same name in.
	if [ "$(id -u)" = 0 ] && id -u "$user" >/dev/null 2>&1; then
		attempt 'switcher gosu' gosu "$user" "$@"
		attempt 'switcher setpriv' setpriv "--reuid=$user" "--regid=$user" --init-groups "$@"
		attempt 'switcher su' su -s /bin/sh -c 'exec "$@"' -- "$user" sh "$@"
	fi
	for entry in $passwords; do
		find_owner "${entry%%:*}"
		[ "$owner" != "$user" ] || attempt "variable ${entry#*:}" sh -c "$password" sh "${entry#*:}" "$@"
	done
}

log_in_anywhere() {
	host=''
	log_in "$@"
	for host in $hosts; do
		log_in "$@"
	done
}

user=$administrator
log_in_anywhere "$@"
# postgres is also the default. An image with another administrator need not have that role.
if [ "$administrator" = postgres ]; then
	for entry in $passwords; do
		find_owner "${entry%%:*}"
		user=$owner
		[ "$user" = postgres ] || log_in_anywhere "$@"
	done
fi
exit 0
