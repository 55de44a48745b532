# A role of each name is made that the input has before its first empty line, and the numbers of those that were made are reported. When all
# were, the command after the first words gets the rest of the input. The options in the environment are those of the command that makes the
# roles.
all=yes
count=0
while IFS= read -r role && [ -n "$role" ]; do
	if create "$@"; then
		printf 'pgbind {"created": %s}\n' "$count"
	else
		all=no
	fi
	count=$((count + 1))
done
echo 'pgbind {"end": "createusers"}'
shift "$words"
unset PGOPTIONS
[ "$all" = yes ] || set -- true
