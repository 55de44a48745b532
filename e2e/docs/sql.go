package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// statements lists every piece of SQL that the program can send.
func statements(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil || len(files) == 0 {
		return "", fmt.Errorf("find the SQL in %s: %w", dir, err)
	}
	text := &strings.Builder{}
	text.WriteString(generated + `# Every SQL statement

This is all the SQL that kubectl pgbind sends, except what ` + "`createuser`" + ` sends to create a role. A script is assembled from these
parts and passed to one ` + "`psql`" + ` on its standard input. A name or a value is never joined into a statement: it is a psql variable
(` + "`:'name'`" + `), or it passes through ` + "`format`" + ` with ` + "`%I`" + ` or ` + "`%L`" + `.
`)
	for _, file := range files {
		content, err := os.ReadFile(file) //nolint:gosec // a file of the repository
		if err != nil {
			return "", fmt.Errorf("read the SQL: %w", err)
		}
		fmt.Fprintf(
			text, "\n## %s\n\n```sql\n%s\n```\n", strings.TrimSuffix(filepath.Base(file), ".sql"),
			strings.TrimSpace(string(content)),
		)
	}
	return text.String(), nil
}
