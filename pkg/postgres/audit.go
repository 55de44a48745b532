package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Audit is what a server reports about its roles, its sessions and its rules. It holds no password and no part of one.
type Audit struct {
	Version    int // as server_version_num: 150004
	Access     AuditAccess
	Roles      []AuditRole
	Sessions   []AuditSession
	Rules      []AuditRule
	Databases  []AuditDatabase
	Creates    []AuditSchema    // schemas in which PUBLIC may create
	Owners     []AuditOwner     // who owns how much, members of extensions left out
	Shadows    []AuditShadow    // schemas with the name of a role, in which others may create
	Overloads  []AuditOverload  // functions and operators that can run in place of those of pg_catalog
	Statements []AuditStatement // from pg_stat_statements
	Unread     map[string]error // databases that could not be read
}

// AuditAccess is what the administrator may read, and whether the server counts statements.
type AuditAccess struct {
	Passwords   bool   `json:"passwords"`
	RuleFile    string `json:"ruleFile"`
	Rules       bool   `json:"rules"`
	Sessions    bool   `json:"sessions"`
	Statements  bool   `json:"statements"`
	Replication int    `json:"replication"` // connections for replication, of standbys and of others
}

// AuditRole is one role.
type AuditRole struct {
	Name        string            `json:"name"`
	Bootstrap   bool              `json:"bootstrap"`  // the superuser that initdb created
	Predefined  bool              `json:"predefined"` // PostgreSQL's own: pg_monitor and others
	CanLogin    bool              `json:"canLogin"`
	Superuser   bool              `json:"superuser"`
	CreateRole  bool              `json:"createRole"`
	CreateDB    bool              `json:"createDB"`
	Replication bool              `json:"replication"`
	BypassRLS   bool              `json:"bypassRLS"`
	ValidUntil  *time.Time        `json:"validUntil"`
	Expired     bool              `json:"expired"`
	Mark        string            `json:"mark"` // the comment, if it is one of pgbind
	MemberOf    []AuditMembership `json:"memberOf"`
	Password    string            `json:"-"` // scram, md5, none or other; empty: unknown
	Owner       Owner             `json:"-"` // the binding that the comment names; empty: none
}

// AuditMembership is one membership: a role, and the role that is a member of it.
type AuditMembership struct {
	Role    string `json:"role"`
	Admin   bool   `json:"admin"`
	Inherit bool   `json:"inherit"`
	Set     bool   `json:"set"`
}

// AuditSession is the number of sessions with the same origin, role, database and application.
type AuditSession struct {
	Address     string    `json:"address"` // empty: over the server's socket
	Role        string    `json:"role"`
	Database    string    `json:"database"` // empty: replication
	Application string    `json:"application"`
	Count       int       `json:"count"`
	Oldest      time.Time `json:"oldest"`
}

// AuditRule is a line of pg_hba.conf, without its options.
type AuditRule struct {
	File      string   `json:"file"` // empty before PostgreSQL 16
	Line      int      `json:"line"`
	Type      string   `json:"type"`
	Databases []string `json:"databases"`
	Users     []string `json:"users"`
	Address   string   `json:"address"`
	Netmask   string   `json:"netmask"`
	Method    string   `json:"method"`
}

// AuditDatabase is one database, and what PUBLIC may do with it.
type AuditDatabase struct {
	Name        string   `json:"name"`
	Owner       string   `json:"owner"`
	Template    bool     `json:"template"`
	Connectable bool     `json:"connectable"`
	Public      []string `json:"public"`
}

// AuditSchema is a schema of a database.
type AuditSchema struct {
	Database string `json:"database"`
	Schema   string `json:"schema"`
}

// AuditOwner is how much a role owns in a database.
type AuditOwner struct {
	Database  string `json:"database"`
	Role      string `json:"role"`
	Relations int    `json:"relations"`
	Routines  int    `json:"routines"`
}

// AuditShadow is a schema with the name of a role. Unqualified names in the role's sessions mean what Creators create there.
type AuditShadow struct {
	Database string   `json:"database"`
	Schema   string   `json:"schema"`
	Creators []string `json:"creators"`
}

// AuditOverload is a function or an operator of a role that is no superuser.
type AuditOverload struct {
	Database string `json:"database"`
	Schema   string `json:"schema"`
	Object   string `json:"object"`
	Owner    string `json:"owner"`
}

// AuditStatement is how many statements of a role the server counts.
type AuditStatement struct {
	Role       string `json:"role"`
	Statements int64  `json:"statements"`
	Calls      int64  `json:"calls"`
}

// auditLine is one line that the scripts of an audit report.
type auditLine struct {
	Audit struct {
		Access   *AuditAccess `json:"access"`
		Role     *AuditRole   `json:"role"`
		Password *struct {
			Role string `json:"role"`
			Kind string `json:"kind"`
		} `json:"password"`
		Session   *AuditSession   `json:"session"`
		Rule      *AuditRule      `json:"rule"`
		Database  *AuditDatabase  `json:"database"`
		Create    *AuditSchema    `json:"create"`
		Owner     *AuditOwner     `json:"owner"`
		Shadow    *AuditShadow    `json:"shadow"`
		Overload  *AuditOverload  `json:"overload"`
		Statement *AuditStatement `json:"statements"`
		Enter     string          `json:"enter"`
		Left      string          `json:"left"`
	} `json:"audit"`
}

// The last word of an audit's scripts, and how many databases one of them visits.
const (
	endOfAudit       = "audit"
	databasesAtOnce  = 10
	maxAuditSessions = 50
)

// Audit reads the whole server in one session, and in further ones if it has more than ten databases or one does not
// let the administrator in. Each transaction is read-only. Errors: ErrStandby, ErrNoServer, *MissingProgramError,
// *UnknownError, and those of psql and the server.
func (s *Server) Audit(ctx context.Context) (*Audit, error) {
	found, last := &Audit{Unread: map[string]error{}}, ""
	cut := func(err error) bool { return errors.Is(err, errCut) }
	for session := range maxAuditSessions {
		sc := auditScript(session == 0, last, len(found.Statements) > 0)
		out, err := repeat(ctx, cut, func() (*output, error) { return s.auditSession(ctx, sc) })
		if out == nil || out.Server == nil || out.Server.Standby {
			return nil, auditError(out, err)
		}
		entered, left, readErr := found.take(out)
		switch {
		case readErr != nil:
			return nil, readErr
		case err != nil && (entered == "" || !exited(err)):
			return nil, s.surveyError(out, err)
		case err != nil && entered != left:
			found.Unread[entered] = s.surveyError(out, err)
		}
		if found.read(entered) {
			return found, nil
		}
		last = entered
	}
	return nil, fmt.Errorf("the server has more databases than an audit reads, %d", maxAuditSessions*databasesAtOnce)
}

// auditSession runs one script. A psql that did not come to its end without an error has lost output.
func (s *Server) auditSession(ctx context.Context, sc *script) (*output, error) {
	out, err := s.psql(ctx, sc)
	if err == nil && out != nil && out.End != endOfAudit && (out.Server == nil || !out.Server.Standby) {
		return out, s.cut()
	}
	return out, err
}

// ErrNoServer says that no server takes connections in the container. A client has the image of a server as well.
var ErrNoServer = errors.New("no server takes connections there")

func auditError(out *output, err error) error {
	if login := (*AdminLoginError)(nil); errors.As(err, &login) && errors.Is(login.Hint, errDown) {
		return fmt.Errorf("%w: %w", ErrNoServer, err)
	}
	if out != nil && out.Server != nil && out.Server.Standby {
		return ErrStandby
	}
	if err == nil {
		err = errCut
	}
	return err
}

// auditScript reads the server, if it is the first script, and then the databases after the one that is named.
func auditScript(first bool, after string, counted bool) *script {
	sc := new(script).set("run", endOfAudit, "database", after, "statements_counted", boolean(counted))
	sc.run("begin_session")
	if first {
		sc.run("audit_server")
	}
	for range databasesAtOnce {
		sc.run("audit_next_database").only("there", func() {
			sc.run("audit_connect", "set_encoding", "audit_database", "statements_schema", "audit_statements", "audit_end_database")
		})
	}
	return sc.run("end")
}

// take adds what one session reported. It returns the last database that the session entered, and the last one that it left.
func (a *Audit) take(out *output) (entered, left string, err error) {
	a.Version = out.Server.Version
	for _, text := range out.reports {
		var line auditLine
		if err := json.Unmarshal(text, &line); err != nil {
			return "", "", fmt.Errorf("read what psql reported: %w", err)
		}
		a.add(&line)
		if line.Audit.Enter != "" {
			entered = line.Audit.Enter
		}
		if line.Audit.Left != "" {
			left = line.Audit.Left
		}
	}
	return entered, left, nil
}

func (a *Audit) add(l *auditLine) {
	line := &l.Audit
	if line.Access != nil {
		a.Access = *line.Access
	}
	if line.Role != nil {
		line.Role.Owner, _ = parseOwner(line.Role.Mark)
		a.Roles = append(a.Roles, *line.Role)
	}
	if p := line.Password; p != nil {
		if i := slices.IndexFunc(a.Roles, func(r AuditRole) bool { return r.Name == p.Role }); i >= 0 {
			a.Roles[i].Password = p.Kind
		}
	}
	appendIf(&a.Sessions, line.Session)
	appendIf(&a.Rules, line.Rule)
	appendIf(&a.Databases, line.Database)
	appendIf(&a.Creates, line.Create)
	appendIf(&a.Owners, line.Owner)
	appendIf(&a.Shadows, line.Shadow)
	appendIf(&a.Overloads, line.Overload)
	appendIf(&a.Statements, line.Statement)
}

func appendIf[T any](list *[]T, one *T) {
	if one != nil {
		*list = append(*list, *one)
	}
}

// read reports whether no database is left after the one that is named. The script visits them in the order of their bytes.
func (a *Audit) read(last string) bool {
	return !slices.ContainsFunc(a.Databases, func(d AuditDatabase) bool { return d.Connectable && !d.Template && d.Name > last })
}
