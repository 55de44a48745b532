package postgres

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

//go:embed sh/*.sh
var shellFiles embed.FS

// authMethod is the way in which the administrator's programs log in if the user gave no password. The zero authMethod runs them as the
// container's user, without a password.
type authMethod struct {
	switcher string // the program that switches to the operating system user with the administrator's name, for peer authentication
	variable string // the variable of the container that contains the password or names a file that does; one of those in probe.sh
	host     string // the directory of the socket, or an address; empty: as before
	user     string // the administrator; empty: as before
	database string // the database to which the programs connect first; empty: maintenanceDatabase
}

const shell = "sh"

// readPassword reads only the first line, byte by byte, and leaves the rest of the input to the program.
const readPassword = `IFS= read -r PGPASSWORD; export PGPASSWORD; exec "$@"` //nolint:gosec // a script, no password

// shellScript returns the concatenated text of files of the sh folder.
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

// prefix returns the command prefix that runs a program as the administrator.
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

// detectAuth finds a working login, in one exec of a constant script. If the administrator is postgres, the default, it
// also tries the administrators that variables of the container name. The error says why it found none.
func (s *Server) detectAuth(ctx context.Context) (authMethod, error) {
	probe, err := shellScript("probe")
	password, readErr := shellScript("password")
	if err := errors.Join(err, readErr); err != nil {
		return authMethod{}, err
	}
	argv := append([]string{shell, "-c", probe, shell, password, s.User}, s.env()...)
	var stdout, stderr bytes.Buffer
	if err := s.Exec.Exec(ctx, s.Container, argv, podexec.Streams{Stdout: &stdout, Stderr: &stderr}); err != nil {
		if missing := (*MissingProgramError)(nil); errors.As(s.classify(shell, err), &missing) {
			return authMethod{}, errors.New("the container has no shell to look for another way to log in")
		}
		return authMethod{}, s.classify(shell, err)
	}
	found, err := parseAuth(&stdout)
	if found.user == s.User {
		found.user = ""
	}
	if found.database == maintenanceDatabase {
		found.database = ""
	}
	return found, err
}

// parseAuth reads the lines that probe.sh reports.
func parseAuth(report *bytes.Buffer) (found authMethod, err error) {
	lines := bufio.NewScanner(report)
	for lines.Scan() {
		kind, value, _ := strings.Cut(strings.TrimPrefix(lines.Text(), reportPrefix), " ")
		switch {
		case kind == "host":
			found.host = value
		case kind == "user":
			found.user = value
		case kind == "database":
			found.database = value
		case kind == "none":
			return found, nil
		case kind == "switcher" && slices.Contains([]string{"gosu", "setpriv", "su"}, value):
			found.switcher = value
			return found, nil
		case kind == "variable" && regexp.MustCompile(`^[A-Z_]+$`).MatchString(value): // password.sh evaluates it
			found.variable = value
			return found, nil
		}
	}
	return authMethod{}, errors.New("no user of the container and no password in its variables can log in")
}
