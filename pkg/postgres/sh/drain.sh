# Runs the given command, passes on what it writes in one piece, since each piece of an exec's output goes through six processes, and reports how it
# ended. Then it reads what the command left of the input, until that ends: where nobody does, the end of the exec gets lost, and so does now and
# then the output that an exec ends right behind. The command has a parent of its own, which outlives this shell and ends with 0 or 1: a server
# that is process 1 inherits it then, and takes another status, or an end by a signal, for the crash of a process of its own.
trap '' PIPE
newline='
'
output=$(
	"$@"
	printf '\n%s' "$?"
)
code=${output##*"$newline"}
printf '%s\npgbind {"psql": %s}\n' "${output%"$newline"*}" "$code"
cat >/dev/null
[ "$code" = 0 ]
