# Creates a role for each name that the input has before its first empty line, and reports the numbers of those that it created. The command
# that follows gets the rest of the input; if a role was not created, that command is not run. The arguments before it are the administrator's
# name and the options of createuser.
user=$1 options=$2 number=0 created='' failed=''
shift 2
trap '' PIPE # see run_psql.sh
while IFS= read -r role && [ -n "$role" ]; do
	# shellcheck disable=SC2086 # the options are several words
	if createuser --username="$user" --no-password $options -- "$role" </dev/null >/dev/null; then
		created=$created,$number
	else
		failed=yes
	fi
	number=$((number + 1))
done
printf 'pgbind {"created": [%s]}\n' "${created#,}"
[ -z "$failed" ] || set -- true
