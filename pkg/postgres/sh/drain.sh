# Runs the given command, and then reads what it left of the input: where nobody does, the end of the exec gets lost.
"$@"
code=$?
cat >/dev/null
exit $code
