package postgres

import (
	"context"
	"errors"
	"fmt"
)

// NewDatabase is a database that is created if it does not exist.
type NewDatabase struct {
	Name     string
	Template string // its encoding and its locale do not matter if it is template0
	Locale   string // empty: that of the template
	Owner    Owner  // the binding that it is created for. The administrator owns it
}

// databaseClaim returns the part of the comment that proves that pgbind created a database for a binding in the namespace.
func (o Owner) databaseClaim() string {
	return markVersion + " database namespace=" + o.Namespace + " "
}

// draft returns the name of the database until it is complete. Another administrator, template or locale has another draft.
func (d NewDatabase) draft(administrator string) string {
	return "pgbind_new_" + digest(d.Name, d.Template, d.Locale, administrator)
}

// ForeignDatabaseError reports that the draft of a new database belongs to another role, which can have prepared it.
type ForeignDatabaseError struct{ Database, Role string }

func (e *ForeignDatabaseError) Error() string {
	return fmt.Sprintf(
		"database %q has the name of a draft of pgbind, but belongs to role %q: drop or rename it, and run the command again",
		e.Database, e.Role,
	)
}

// CreateDatabase creates a database of the administrator, to which only roles with a grant of their own can connect. It returns the
// statements that it ran. If a database of this name exists, nothing happens. It can be repeated after any interruption, and run at the
// same time as another one. Errors: ErrStandby, *AdminLoginError, *ForeignDatabaseError, *LockedError, *SQLError.
func (s *Server) CreateDatabase(ctx context.Context, d NewDatabase) (did []string, err error) {
	out, err := repeat(ctx, isDuplicate, func() (*output, error) { return s.report(ctx, databaseScript(d, s.User)) })
	if out == nil {
		return nil, err
	}
	if out.ForeignDatabase != nil {
		return out.did, out.ForeignDatabase
	}
	return out.did, err
}

// isDuplicate reports whether another session has created a database of that name meanwhile.
func isDuplicate(err error) bool {
	var failure *SQLError
	return errors.As(err, &failure) && failure.State == duplicateDatabase
}

// databaseScript creates the database from a session in another one.
func databaseScript(d NewDatabase, administrator string) *script {
	sc := &script{maintains: true}
	sc.set("database", d.Name, "draft", d.draft(administrator), "template", d.Template, "locale", d.Locale,
		"database_mark", d.Owner.databaseClaim()+"run="+d.Owner.Run)
	return sc.set("run", scriptRun).run("begin_session", "create_database", "end")
}

// ExplainDatabase returns what CreateDatabase would have psql read.
func ExplainDatabase(d NewDatabase, administrator string) (string, error) {
	sc := databaseScript(d, administrator)
	return opening(maintenanceDatabase, false).text.String() + sc.text.String(), sc.err
}
