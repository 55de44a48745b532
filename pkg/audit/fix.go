package audit

import (
	"strconv"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// takeover returns the command that moves workloads of one namespace to logins of their own.
func (f *facts) takeover(namespace, database string, workloads ...string) string {
	return f.onServer(namespace, database, append([]string{"kubectl", "pgbind", "takeover"}, workloads...))
}

// bind returns the command that gives the workloads of a namespace a login of their own.
func (f *facts) bind(namespace, database string, workloads ...string) string {
	return f.onServer(namespace, database, append([]string{"kubectl", "pgbind", "bind"}, workloads...))
}

// onServer adds the flags of the server to a command.
func (f *facts) onServer(namespace, database string, words []string) string {
	words = append(words, "--postgres", f.ref.String())
	if f.ref.Namespace != namespace {
		words = append(words, "--postgres-namespace", f.ref.Namespace)
	}
	if database != "" {
		words = append(words, "--dbname", database)
	}
	return report.Command(append(append(words, f.admin...), "-n", namespace)...)
}

// sql returns the command that runs SQL, or a command of psql, as the administrator.
func (f *facts) sql(database, text string) string {
	words := []string{"kubectl", "pgbind", "psql", "--admin", "--postgres", f.ref.String()}
	if database != "" && database != "postgres" {
		words = append(words, "--dbname", database)
	}
	return report.Command(append(append(words, f.admin...), "-n", f.ref.Namespace, "--", "-c", text)...)
}

// setPassword returns the command that asks for a new password and sends its SCRAM verifier.
func (f *facts) setPassword(role string) string {
	return f.sql("", `\password `+postgres.Identifier(role))
}

// askForPasswords returns the command that replaces trust in a line of the file with the rules, and has the server read it.
func (f *facts) askForPasswords(rule postgres.AuditRule) string {
	file := rule.File
	if file == "" {
		file = f.audit.Access.RuleFile
	}
	return report.Command(
		"kubectl", "exec", f.server.Pod, "-n", f.server.Namespace, "-c", f.container, "--", "sed", "-i",
		strconv.Itoa(rule.Line)+`s/\btrust\b/scram-sha-256/`, file,
	) +
		" && " + f.sql(
		"",
		"SELECT pg_reload_conf()",
	)
}
