package postgres

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const maxNameBytes = 63

// CheckRoleName refuses the name of a login role that the server would refuse, or cut short without an error.
func CheckRoleName(name string) error {
	switch {
	case name == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("user name %q is empty or holds control characters", name)
	case len(name) > maxNameBytes:
		return fmt.Errorf("user name %q has %d bytes: PostgreSQL keeps %d", name, len(name), maxNameBytes)
	case strings.HasPrefix(name, "pg_") || name == "public" || name == "none":
		return fmt.Errorf("user name %q is reserved by PostgreSQL: choose another one", name)
	}
	return nil
}

// CheckPassword refuses a password that is empty or not printable ASCII: with other characters the server and the application's
// driver may not agree on what they mean.
func CheckPassword(password string) error {
	if password == "" || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r > '~' }) {
		return errors.New("a password must be printable ASCII and not empty")
	}
	return nil
}

// NeedsQuoting says that a value must be quoted in a connection string such as "user=shop password=secret", which not every
// application does.
func NeedsQuoting(value string) bool { return value == "" || strings.ContainsAny(value, ` '\`) }
