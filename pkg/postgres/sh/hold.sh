# hold passes reports on in one piece when the last word is there, and then what comes after it: each piece of an exec's output goes through six
# processes. Of very many it passes a hundred at a time, since each line takes as long as those are that are held. It ends with 0 where psql did.
hold() {
	text='' held=0 failed=1
	while IFS= read -r line; do
		text=$text$line$newline held=$((held + 1))
		case $line in
		'pgbind {"end"'*) held=100 ;;
		'pgbind {"psql": 0}') failed='' ;;
		esac
		if [ "$held" -ge 100 ]; then
			printf %s "$text"
			text='' held=0
		fi
	done
	printf %s "$text"
	[ -z "$failed" ]
}
newline='
'
