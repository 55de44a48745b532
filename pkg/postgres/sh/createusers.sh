# A role of each name is made that the input has before its first empty line, and the numbers of those that were made are reported. When all
# were, the second command gets the rest of the input.
all() {
	count=0 made='' code=0
	while IFS= read -r role && [ -n "$role" ]; do
		if create "$@"; then
			made=$made,$count
		else
			code=1
		fi
		count=$((count + 1))
	done
	printf 'pgbind {"created": [%s]}\n' "${made#,}"
	return "$code"
}
with all "$@"
code=$?
shift "$words"
[ "$code" = 0 ] || set -- true
