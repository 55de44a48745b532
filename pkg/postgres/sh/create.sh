# create makes the role $role with the command of the first $words words.
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
