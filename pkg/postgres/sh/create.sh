# A server that is process 1 inherits what is left of this when its caller has gone, and takes an end by a signal, or another status than 0
# and 1, for the crash of a process of its own.
trap '' PIPE
# The first word is how many of those after it are the command that makes a role; the others are the command that is run then.
words=$1
shift
# with calls a function with the command that makes a role.
with() {
	what=$1 number=0
	shift
	for word; do
		[ "$number" -gt 0 ] || set --
		[ "$number" -ge "$words" ] || set -- "$@" "$word"
		number=$((number + 1))
	done
	"$what" "$@"
}
# create makes the role $role with a command.
create() { "$@" "$role" </dev/null >/dev/null 3>&-; }
