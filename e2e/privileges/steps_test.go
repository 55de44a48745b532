//go:build e2e

package privileges

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// step is a psql session of its own. Without a login it is the superuser's, over the socket.
type step struct {
	login     harness.Login
	database  string
	script    string
	variables map[string]string // psql variables
	strict    bool              // the first error ends the session
}

// outcome is what the session of a step printed on stdout and stderr.
type outcome struct {
	output string
	code   int
}

// part ends a part of what a session prints.
const part = "\\echo =====\n"

// part is what one part of the session printed. psql may print an error a little early.
func (o outcome) part(number int) string {
	parts := strings.Split(o.output, "=====\n")
	if number >= len(parts) {
		return ""
	}
	return parts[number]
}

// steps runs the sessions one after another, in one exec, since an exec costs more than a session.
func (s *server) steps(steps ...step) []outcome {
	s.t.Helper()
	mark := "step-" + randomHex(s)
	var script strings.Builder
	for i, step := range steps {
		script.WriteString(step.shell(mark))
		fmt.Fprintf(&script, "printf '\\n%s end %d %%d\\n' $?\n", mark, i)
	}
	result, err := s.exec("sh").Stdin(script.String()).Run(s.ctx)
	require.NoError(s.t, err)
	require.Zero(s.t, result.Code, result.Stderr)
	end := regexp.MustCompile(`\n` + mark + ` end \d+ (\d+)\n`)
	ends := end.FindAllStringSubmatchIndex(result.Stdout, -1)
	require.Len(s.t, ends, len(steps), "each session ends")
	outcomes, from := make([]outcome, len(steps)), 0
	for i, at := range ends {
		code, err := strconv.Atoi(result.Stdout[at[2]:at[3]])
		require.NoError(s.t, err)
		outcomes[i] = outcome{output: result.Stdout[from:at[0]], code: code}
		from = at[1]
	}
	return outcomes
}

// shell is the step as lines for a shell. The password is in the environment, not among the arguments.
func (s step) shell(mark string) string {
	args := psqlFlags("postgres", s.database)
	if s.login.Username != "" {
		args = append(psqlFlags(s.login.Username, s.database), "--host="+s.login.Host)
	}
	if s.strict {
		args = append(args, "--set=ON_ERROR_STOP=1")
	}
	words := []string{"PGPASSWORD=" + quoteShell(s.login.Password), "PGOPTIONS='-c statement_timeout=10s -c lock_timeout=2s'", "psql"}
	for _, arg := range args {
		words = append(words, quoteShell(arg))
	}
	var set strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.variables)) {
		fmt.Fprintf(&set, "\\set %s '%s'\n", name, strings.ReplaceAll(s.variables[name], "'", "''"))
	}
	return fmt.Sprintf("%s <<'%s' 2>&1\n%s%s\n%s\n", strings.Join(words, " "), mark, set.String(), s.script, mark)
}

func quoteShell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func randomHex(s *server) string {
	bytes := make([]byte, 8)
	_, err := rand.Read(bytes)
	require.NoError(s.t, err)
	return hex.EncodeToString(bytes)
}
