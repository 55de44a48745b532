package postgres

import "strings"

// Leftover returns the SQL that removes a login role that pgbind cannot drop, for the administrator to read and run in psql. newOwner is the
// role that is to own what the login role owns; empty: the administrator.
func Leftover(role, newOwner string) (string, error) {
	text, err := sqlFiles.ReadFile("sql/abandoned_role.sql")
	if err != nil {
		return "", err
	}
	owner := "CURRENT_USER"
	if newOwner != "" {
		owner = Identifier(newOwner)
	}
	return strings.NewReplacer(`:"role"`, Identifier(role), `:"new_owner"`, owner).Replace(string(text)), nil
}

// Identifier quotes a name for SQL that a person runs. The scripts of this package quote names in psql.
func Identifier(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
