# Runs a command with the administrator's password, which the container has in the variable named first, or in the file that
# the same name with _FILE names. The password goes nowhere else.
variable=$1
shift
eval "PGPASSWORD=\${$variable-} file=\${${variable}_FILE-}"
if [ "$variable" = POSTGRES_POSTGRES_PASSWORD ] && [ -z "$file" ]; then
	file=/opt/bitnami/postgresql/secrets/postgres-password
fi
if [ -z "$PGPASSWORD" ] && [ -r "$file" ]; then
	IFS= read -r PGPASSWORD <"$file"
fi
[ -n "$PGPASSWORD" ] || exit 1
export PGPASSWORD
exec "$@"
