// Command docs generates documents from the code: the reference of the commands, the errors, the findings, the SQL and the modules.
// Its test fails if a document is not up to date.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run writes the documents of the repository in dir.
func run(dir string) error {
	documents, err := generate(dir)
	if err != nil {
		return err
	}
	for name, text := range documents {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write a document: %w", err)
		}
	}
	return nil
}

// generate returns the documents by their names.
func generate(dir string) (map[string]string, error) {
	root := commands()
	statements, err := statements(filepath.Join(dir, "pkg", "postgres", "sql"))
	if err != nil {
		return nil, err
	}
	modules, err := modules(filepath.Join(dir, "go.mod"))
	if err != nil {
		return nil, err
	}
	failures, err := errorsOfBind(dir)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"docs/errors.md":    failures,
		"docs/findings.md":  findings(),
		"docs/modules.md":   modules,
		"docs/reference.md": reference(root),
		"docs/sql.md":       statements,
	}, nil
}
