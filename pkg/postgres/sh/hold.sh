# hold passes reports on in one piece when the last word is there, and then what comes after it: each piece of an exec's output goes through six
# processes. It ends with 0 where psql did.
hold() {
	text='' failed=1
	while IFS= read -r line; do
		text=$text$line$newline
		case $line in
		'pgbind {"end"'*)
			printf %s "$text"
			text=''
			;;
		'pgbind {"psql": 0}') failed='' ;;
		esac
	done
	printf %s "$text"
	[ -z "$failed" ]
}
newline='
'
