# Runs the given command, passes on what it writes in one piece, since each piece of an exec's output passes six processes, and reports its exit code.
# Then it reads what the command left of the input, until the caller closes that: without a reader the end of the exec is sometimes lost, and with it
# the output just before. The command has a parent of its own, which outlives this shell and ends with 0 or 1: a server that is process 1 adopts it
# then, and takes another status, or an end by a signal, for a crash of one of its own processes.
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
