# The role that the first line of the input names is made; an empty line names none. The second command, which starts at once, gets the rest
# of the input, and none where the role was not made. How each of them ended is reported. The options in the environment are those of the
# command that makes the role.
exec 3>&1
one() {
	IFS= read -r role || exit 0
	if [ -n "$role" ]; then
		create "$@"
		code=$?
		printf 'pgbind {"createuser": %s}\n' "$code" >&3
		[ "$code" = 0 ] || exit 0
	fi
	exec cat 3>&-
}
with one "$@" | {
	shift "$words"
	unset PGOPTIONS
	"$@" 3>&-
	printf '\npgbind {"psql": %s}\n' "$?"
} | hold
