package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RoleSpec is the desired state of one login role.
type RoleSpec struct {
	Name    string // the login role's name; see CheckRoleName
	Owner   Owner
	Access  Access
	Expires time.Time // when the password ends; zero: as it is

	// Former is the login role that Role replaces: Role gets everything that Former has, and only the database of
	// Access is used. If both are the same role, only its password changes. Empty: Role gets the privileges of Access.
	Former string

	Limits  Limits  // of the login role; not with Former
	Creates Creates // in the database, before the access role gets its privileges; not with Former

	// Adopt lets the login role be one without a comment, which somebody created by hand. It gets the comment of the
	// binding, and keeps its password.
	Adopt bool

	Force bool // isolate the access role even in a schema where others can create objects
}

// Login describes how a bind sets and verifies the password.
type Login struct {
	Password     string
	Set          bool   // set the password; otherwise the role must have it already
	Host         string // the name that the application uses
	HostComplete bool   // Host needs no cluster domain appended
	HostChosen   bool   // the user named Host, which may lead to a pooler that does not know the role
	Address      string // to which Host resolves; empty: unknown
	PodIP        string // tried where Host does not resolve or connect; empty: not tried
	Port         int32  // at Host
	PodPort      int32  // at PodIP

	resolved bool // an earlier login of the session resolved Host, so Address can be used
}

// addresses returns the addresses of hosts, if no name has to be resolved.
func (l Login) addresses() []string {
	if !l.resolved || l.Address == "" || l.Host == "" {
		return nil
	}
	l.Host = l.Address
	return l.hosts()
}

// hosts returns the hosts of the login, in the order in which psql tries them.
func (l Login) hosts() []string {
	return slices.DeleteFunc([]string{l.Host, l.PodIP}, func(host string) bool { return host == "" })
}

// ports returns the ports of hosts, in the same order.
func (l Login) ports() []string {
	var ports []string
	if l.Host != "" {
		ports = append(ports, strconv.Itoa(int(l.Port)))
	}
	if l.PodIP != "" {
		ports = append(ports, strconv.Itoa(int(l.PodPort)))
	}
	return ports
}

// hostIn returns Host with the cluster's domain, if it needs one and the domain is known.
func (l Login) hostIn(domain string) string {
	if l.HostComplete || domain == "" || l.Host == "" {
		return l.Host
	}
	return l.Host + "." + domain
}

// Result is what a bind found and changed.
type Result struct {
	Did       []string // statements that changed something, without the one that sets the password
	Lacks     []string // privileges of the level that could not be granted
	NoSchemas []string // those of the binding that do not exist
	Withheld  []Withheld
	// Unfinished are changes of privileges that could not be made.
	Unfinished []Unfinished
	Unowned    *Unowned // nil: the application owns all tables of its schemas, or its level lets it own none
	// Creators are others who may create in a schema of an isolated access role that this bind created.
	Creators []Creator
	// Escalations are what applications created, with privileges that earlier versions granted, to run code as another role.
	Escalations []Escalation
	Public      []PublicGrant
	// Others are the other databases of the server that an application can use, if it is bound to the database postgres.
	Others []string
	// Existing is the requested schema if it existed before and belongs to another role than the access role; otherwise nil.
	Existing *ExistingSchema
	Host     string // Login.Host, with the cluster's domain
	Reached  string // the host over which the login was verified
	Refused  string // the message of Host if it refused the login, which was then verified at PodIP
	Verified bool   // the server asked for the password; false: it trusts this connection
	Standby  bool   // the login reached a standby
	SSL      bool   // the login was encrypted
	Version  int    // server_version_num

	Replication Replication
}

// Replication is whether the synchronous standbys that the server requires have written what a bind committed. It is
// empty for a server that requires none.
type Replication string

// The values of Replication.
const (
	ReplicationWritten Replication = "written"
	ReplicationLate    Replication = "late"    // not within 10 s
	ReplicationUnknown Replication = "unknown" // the administrator may not see the standbys
)

// Withheld is a relation of a bound schema on which the level grants nothing.
type Withheld struct {
	Relation string `json:"relation"` // quoted for SQL
	Reason   string `json:"reason"`   // belongs to the superuser ... and reads ...
}

// Unfinished is a change of privileges that other sessions, or a full access list of the table, prevented.
type Unfinished struct {
	Statement string   `json:"statement"`
	Blockers  []string `json:"blockers"` // process, user, application and start of the transaction; empty if they are gone
	Grantees  int      `json:"grantees"` // how many the access list of the table has, if it is full; otherwise 0
}

// String names the statement, the cause and the next step.
func (u Unfinished) String() string {
	if u.Grantees > 0 {
		return fmt.Sprintf(
			"%s: the access list is full (%d entries); have the owner revoke some of them, and run the command again",
			u.Statement, u.Grantees,
		)
	}
	if len(u.Blockers) == 0 {
		return fmt.Sprintf("another session prevented: %s; run the command again", u.Statement)
	}
	return fmt.Sprintf(
		"%s: another session prevents it (%s); run the command again when it has ended", u.Statement,
		strings.Join(u.Blockers, ", "),
	)
}

// Unowned counts the tables of the bound schemas that an application of level all uses and does not own.
type Unowned struct {
	Tables int    `json:"tables"`
	Keys   int    `json:"keys"`  // foreign keys to them
	First  string `json:"first"` // the first of them, quoted for SQL
}

// Escalation is something by which an application's code may run as another role.
type Escalation struct {
	What string `json:"what"`
	Fix  string `json:"fix"` // the statement that removes it
}

// Bind creates the access role, grants what its level lacks, completes the login role (membership, metadata, password),
// and then logs in with the password. It is idempotent. It retries after a serialization failure or a deadlock, and
// after truncated output. Errors: ErrStandby, ErrIncomplete, *AdminLoginError, *ExposedSchemaError, *ForeignRoleError,
// *GoneError, *LockedError, *LoginError (the transaction is committed then), *SettingError, *SQLError.
func (s *Server) Bind(ctx context.Context, spec RoleSpec, l Login) (*Result, error) {
	result, err := prove(ctx, l, func(l Login) (*Result, error) { return s.bind(ctx, spec, l) })
	return result, s.addCause(ctx, spec.Name, err)
}

func (s *Server) bind(ctx context.Context, spec RoleSpec, l Login) (*Result, error) {
	sc, err := bindScript(spec, l)
	if err != nil {
		return nil, err
	}
	out, err := s.psql(ctx, sc)
	if out == nil {
		return nil, err
	}
	return s.result(Request{spec, l}, out, err)
}

// result turns what a script reported of a binding into what a bind returns.
func (s *Server) result(r Request, out *output, err error) (*Result, error) {
	spec, l := r.Role, r.Login
	result := &Result{
		Did: out.did, Lacks: out.Lacks, NoSchemas: out.NoSchemas, Withheld: out.Withheld, Unowned: out.Unowned, Unfinished: out.Unfinished,
		Escalations: out.Escalations, Creators: out.Creators, Public: out.Public, Existing: out.Existing, Replication: out.Replication,
		Others: out.Others,
	}
	if out.Server != nil {
		result.Version = out.Server.Version
	}
	if out.Committed {
		result.Host = l.hostIn(out.Domain)
	}
	if failure := s.outcome(out, err, spec.Owner.Run); failure != nil {
		return result, failure
	}
	result.Reached, result.Standby, result.SSL = out.Login.Host, out.Login.Standby, out.Login.SSL
	result.Verified = out.verified()
	return result, spec.checkIdentity(out)
}

// checkIdentity compares the user of the session with what the level says, or with what the former role acts as.
func (spec RoleSpec) checkIdentity(out *output) error {
	want := spec.Name
	switch {
	case spec.Former != "":
		want = out.ActsAs
	case spec.Access.Level == All:
		want = spec.Access.Role()
	}
	if out.Login.SessionUser != spec.Name || out.Login.CurrentUser != want {
		return &LoginError{
			Message: fmt.Sprintf("the session acts as role %q instead of %q%s", out.Login.CurrentUser, want, out.ignoredRole()),
		}
	}
	return nil
}

// ignoredRole names the release of the server, if it is one of those that ignore the role of ALTER ROLE ... SET role.
func (o *output) ignoredRole() string {
	const minors = 10000
	if o.Server == nil || !slices.Contains([]int{13_0017, 14_0014, 15_0009, 16_0005, 17_0001}, o.Server.Version) {
		return ""
	}
	major, minor := o.Server.Version/minors, o.Server.Version%minors
	return fmt.Sprintf("; PostgreSQL %d.%d ignores the role that ALTER ROLE ... SET role names: update the server to %d.%d or later",
		major, minor, major, minor+1)
}
