package postgres

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

//go:embed sh/*.sh
var shellFiles embed.FS

// authMethod is how the administrator's programs log in beside a password that was given: the zero authMethod runs them as they are, as who the
// container's own commands run, without a password.
type authMethod struct {
	switcher string // program that runs them as the operating system's user of the administrator's name, for peer
	variable string // variable of the container that has the password, itself or as the name of a file
}

// variables are where the images keep the administrator's password, which probe.sh chooses from.
var variables = [...]string{ //nolint:gochecknoglobals // a constant list
	"POSTGRES_POSTGRES_PASSWORD", "POSTGRESQL_POSTGRES_PASSWORD", "POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD",
}

const shell = "sh"

// readPassword reads no more than the first line, byte by byte, so that the rest of the input reaches the program.
const readPassword = `IFS= read -r PGPASSWORD; export PGPASSWORD; exec "$@"` //nolint:gosec // a script, no password

// shellScript is the text of files of the sh folder, one after the other.
func shellScript(names ...string) (string, error) {
	var all strings.Builder
	for _, name := range names {
		text, err := shellFiles.ReadFile("sh/" + name + ".sh")
		if err != nil {
			return "", fmt.Errorf("read the shell script %s: %w", name, err)
		}
		all.Write(text)
	}
	return all.String(), nil
}

// prefix is the command line that runs another one as the administrator.
func (s *Server) prefix() ([]string, error) {
	if s.Password != "" {
		return []string{shell, "-c", readPassword, shell}, nil
	}
	switch s.auth.switcher {
	case "gosu":
		return []string{"gosu", s.User}, nil
	case "setpriv":
		return []string{"setpriv", "--reuid=" + s.User, "--regid=" + s.User, "--init-groups"}, nil
	case "su":
		return []string{"su", "-s", "/bin/sh", "-c", `exec "$@"`, "--", s.User, shell}, nil
	}
	if s.auth.variable == "" {
		return nil, nil
	}
	text, err := shellScript("password")
	if err != nil {
		return nil, err
	}
	return []string{shell, "-c", text, shell, s.auth.variable}, nil
}

// detectAuth asks the container, in one exec of a constant script, in which way a login works, to the database that createuser uses too.
// The error says why none was found.
func (s *Server) detectAuth(ctx context.Context) (authMethod, error) {
	probe, err := shellScript("probe")
	password, readErr := shellScript("password")
	if err := errors.Join(err, readErr); err != nil {
		return authMethod{}, err
	}
	argv := append([]string{shell, "-c", probe, shell, password, s.User}, s.env()...)
	argv = append(argv, "psql", "--no-psqlrc", "--no-password", "--username="+s.User, "--dbname=postgres", "--file=/dev/null")
	var stdout, stderr bytes.Buffer
	if err := s.Exec.Exec(ctx, s.Container, argv, podexec.Streams{Stdout: &stdout, Stderr: &stderr}); err != nil {
		if missing := (*MissingProgramError)(nil); errors.As(s.classify(shell, err), &missing) {
			return authMethod{}, errors.New("the container has no shell, by which another way to log in could be found")
		}
		return authMethod{}, s.classify(shell, err)
	}
	return parseAuth(&stdout)
}

// parseAuth reads the one line that the probing script reports.
func parseAuth(report *bytes.Buffer) (authMethod, error) {
	lines := bufio.NewScanner(report)
	for lines.Scan() {
		kind, value, _ := strings.Cut(strings.TrimPrefix(lines.Text(), reportPrefix), " ")
		switch {
		case kind == "none":
			return authMethod{}, nil
		case kind == "switcher" && slices.Contains([]string{"gosu", "setpriv", "su"}, value):
			return authMethod{switcher: value}, nil
		case kind == "variable" && slices.Contains(variables[:], value):
			return authMethod{variable: value}, nil
		}
	}
	return authMethod{}, errors.New("no other user of the container's system and no password in its variables helps")
}
