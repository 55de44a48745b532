# Runs the given command, and then reads what it left of the input: where nobody does, the end of the exec gets lost. What it writes is passed
# on in one piece, since each piece of an exec's output goes through five processes. The command has a parent of its own, which outlives this
# shell and ends with 0 or 1: a server that is process 1 inherits it then, and takes another status, or an end by a signal, for the crash of a
# process of its own.
trap '' PIPE
newline='
'
output=$(
	"$@"
	printf '\n%s' "$?"
)
cat >/dev/null
printf '%s\n' "${output%"$newline"*}"
exit "${output##*"$newline"}"
