package postgres

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const maxNameBytes = 63

// CheckName fails if the server would refuse or truncate the name of an object. Control characters are allowed: a
// database of such a name exists already.
func CheckName(name string) error {
	switch {
	case name == "" || !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return fmt.Errorf("name %q is empty, or contains NUL or bytes that are not UTF-8", name)
	case len(name) > maxNameBytes:
		return fmt.Errorf("name %q has %d bytes, but PostgreSQL allows at most %d", name, len(name), maxNameBytes)
	}
	return nil
}

// CheckRoleName fails if the server or createuser would refuse or truncate the name of a login role.
func CheckRoleName(name string) error {
	switch err := CheckName(name); {
	case err != nil:
		return fmt.Errorf("user %w", err)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("user name %q contains control characters", name)
	case strings.HasPrefix(name, "pg_") || name == "public" || name == "none":
		return fmt.Errorf("user name %q is reserved by PostgreSQL: choose another name", name)
	}
	return nil
}

// CheckPassword fails if a password is empty or not printable ASCII. The server and the driver of an application can normalize other
// characters differently.
func CheckPassword(password string) error {
	if password == "" || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r > '~' }) {
		return errors.New("a password must be printable ASCII and not empty")
	}
	return nil
}

// NeedsQuoting reports whether a value must be quoted in a connection string such as "user=shop password=secret". Not every application
// quotes it.
func NeedsQuoting(value string) bool { return value == "" || strings.ContainsAny(value, ` '\`) }
