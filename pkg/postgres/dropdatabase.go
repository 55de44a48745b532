package postgres

import (
	"context"
	"fmt"
	"strings"
)

// UsedDatabaseError reports that others use a database, so that it cannot be dropped.
type UsedDatabaseError struct {
	Database string
	Users    []string // sessions, and roles of bindings
}

func (e *UsedDatabaseError) Error() string {
	return fmt.Sprintf("database %q is still used (%s): unbind the other workloads and end these sessions first",
		e.Database, strings.Join(e.Users, ", "))
}

// UnmarkedDatabaseError reports that pgbind did not create a database, or created it for another namespace.
type UnmarkedDatabaseError struct{ Database, Namespace string }

func (e *UnmarkedDatabaseError) Error() string {
	return fmt.Sprintf("the comment on database %q does not say that pgbind created it for a binding in namespace %s: "+
		"if you no longer need it, drop it with dropdb", e.Database, e.Namespace)
}

// databaseUse is what a script reports about a database.
type databaseUse struct {
	Gone    bool     `json:"gone"`
	Foreign bool     `json:"foreign"`
	Users   []string `json:"users"`
}

// CheckDatabase returns nil if DropDatabase can drop the database once the roles of the binding are dropped, and also if the database
// does not exist. Errors: ErrStandby, *UnmarkedDatabaseError, *UsedDatabaseError, *AdminLoginError, *LockedError, *SQLError.
func (s *Server) CheckDatabase(ctx context.Context, name string, o Owner) error {
	_, err := s.dropDatabase(ctx, name, o, false)
	return err
}

// DropDatabase drops a database that pgbind created for a binding in the owner's namespace and that nobody uses. It returns the
// statements that it ran. It is not an error if the database does not exist. The errors are those of CheckDatabase.
func (s *Server) DropDatabase(ctx context.Context, name string, o Owner) (did []string, err error) {
	return s.dropDatabase(ctx, name, o, true)
}

func (s *Server) dropDatabase(ctx context.Context, name string, o Owner, drops bool) (did []string, err error) {
	sc := &script{maintains: true}
	sc.set("database", name, "database_claim", o.databaseClaim(), "claim", o.claim(), "drops", boolean(drops), "run", scriptRun)
	out, err := s.report(ctx, sc.run("begin_session", "drop_database", "end"))
	if err != nil || out.Database == nil || out.Database.Gone {
		return didOf(out), err
	}
	switch use := out.Database; {
	case use.Foreign:
		return nil, &UnmarkedDatabaseError{Database: name, Namespace: o.Namespace}
	case len(use.Users) > 0:
		return nil, &UsedDatabaseError{Database: name, Users: use.Users}
	}
	return out.did, nil
}

// didOf returns the statements that a script reported, if there was a session.
func didOf(out *output) []string {
	if out == nil {
		return nil
	}
	return out.did
}
