# Runs the given command, and then reads what it left of the input: where nobody does, the end of the exec gets lost. So does now and then the
# output that an exec ends right behind: what the command writes goes out as it comes, and not in one piece at the end. The command has a
# parent of its own, which outlives this shell and ends with 0 or 1: a server that is process 1 inherits it then, and takes another status, or
# an end by a signal, for the crash of a process of its own.
trap '' PIPE
exec 3>&1
code=$("$@" >&3 3>&-; echo $?)
cat >/dev/null
exit "$code"
