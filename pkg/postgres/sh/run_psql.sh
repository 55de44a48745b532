# Runs the given command, prints its output in one piece, because each piece of an exec's output passes six processes, and reports its exit code. Then it
# reads the rest of the input until the caller closes it: without a reader, the end of the exec and the output just before it are sometimes lost.
# If PostgreSQL is process 1 of the container, it adopts orphaned processes, and treats one that ends by a signal or with another code than 0 or 1 as a crash
# of its own. The command therefore runs in a subshell that ends with 0 or 1.
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
