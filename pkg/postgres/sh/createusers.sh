# Runs the given command once for each name that it reads, and reports the numbers of those for which it succeeded.
number=0
while IFS= read -r role; do
    if "$@" "$role" </dev/null; then
        echo "pgbind {\"created\": $number}"
    fi
    number=$((number + 1))
done
echo 'pgbind {"end": "createusers"}'
