# Gives what follows a known environment, as env does, which is a process more: the words before the first "--" are variables that are taken
# away, or assignments.
while [ "$1" != -- ]; do
	case $1 in
	*=*) export "$1" ;;
	*) unset "$1" ;;
	esac
	shift
done
shift
