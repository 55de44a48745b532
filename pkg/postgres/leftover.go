package postgres

import "strings"

// Leftover is the SQL that takes a login role away where nobody could do it, for the administrator to read and run in psql. heir is the
// role that is to own what the login role owns; empty: the administrator.
func Leftover(role, heir string) (string, error) {
	text, err := sqlFiles.ReadFile("sql/leftover.sql")
	if err != nil {
		return "", err
	}
	owner := "CURRENT_USER"
	if heir != "" {
		owner = identifier(heir)
	}
	return strings.NewReplacer(`:"role"`, identifier(role), `:"heir"`, owner).Replace(string(text)), nil
}

// identifier quotes a name for SQL.
func identifier(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
