# A command of $1 words makes the role that the first line of the input names; an empty line names none. The command after those words,
# which starts at once, gets the rest of the input, and none where the role was not made. How each of them ended is reported. The options in
# the environment are those of the first command.
words=$1
shift
# A server that is process 1 inherits what is left of this when its caller has gone, and takes an end by a signal, or another status than 0
# and 1, for the crash of a process of its own.
trap '' PIPE
create() {
	number=0
	for word; do
		[ "$number" -gt 0 ] || set --
		[ "$number" -ge "$words" ] || set -- "$@" "$word"
		number=$((number + 1))
	done
	"$@" "$role" </dev/null >/dev/null 3>&-
}
exec 3>&1
{
	IFS= read -r role || exit 0
	if [ -n "$role" ]; then
		create "$@"
		code=$?
		printf 'pgbind {"createuser": %s}\n' "$code" >&3
		[ "$code" = 0 ] || exit 0
	fi
	exec cat 3>&-
} | {
	shift "$words"
	unset PGOPTIONS
	"$@" 3>&-
	code=$?
	printf '\npgbind {"psql": %s}\n' "$code"
	[ "$code" = 0 ]
}
