package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Binding is what one login role shall be.
type Binding struct {
	Role    string // the login role's name; see CheckRoleName
	Owner   Owner
	Access  Access
	Expires time.Time // when the password ends; zero: as it is

	RevokePublic bool // take from everybody what the administrator may take
	Force        bool // isolate the access role also in a schema in which others may create
}

// Login is how a binding's password is set and proved.
type Login struct {
	Password     string
	Set          bool   // set the password; else the role must have it already
	Host         string // the name that the application will use
	HostComplete bool   // Host needs no cluster domain appended
	HostChosen   bool   // the user named Host, which may lead to a pooler that does not know the role
	Address      string // at which DNS has Host; empty: not known
	PodIP        string // tried where Host does not resolve or connect; empty: not tried
	Port         int32  // at Host
	PodPort      int32  // at PodIP

	resolved bool // a login before it in the session had Host looked up, so that Address will do
}

// addresses are those of hosts where no name need be looked up.
func (l Login) addresses() []string {
	if !l.resolved || l.Address == "" || l.Host == "" {
		return nil
	}
	l.Host = l.Address
	return l.hosts()
}

// hosts are those at which the login is tried, one after the other.
func (l Login) hosts() []string {
	return slices.DeleteFunc([]string{l.Host, l.PodIP}, func(host string) bool { return host == "" })
}

// ports are those of hosts.
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

// hostIn is Host with the cluster's domain, where it needs that and the domain is known.
func (l Login) hostIn(domain string) string {
	if l.HostComplete || domain == "" || l.Host == "" {
		return l.Host
	}
	return l.Host + "." + domain
}

// Result tells what a bind found and did.
type Result struct {
	Did      []string // statements that changed something, without the password's
	Lacks    []string // what the level promises and could not be given
	Withheld []Withheld
	// Unfinished are changes of privileges that other sessions prevented.
	Unfinished []Unfinished
	Unowned    *Unowned // nil: the application owns all tables of its schemas, or its level lets it own none
	// Creators are others who may create in a schema of an isolated access role that this bind created.
	Creators []Creator
	// Escalations are what applications prepared, with privileges that earlier versions granted, to run code as another role.
	Escalations []Escalation
	Public      []PublicGrant
	Host        string // Login.Host, with the cluster's domain
	Reached     string // the host over which the login was proved
	Refused     string // what Host said if it refused the login, which was then proved at PodIP
	Verified    bool   // a password was asked for; false: the server trusts this connection
	Standby     bool   // the login reached a standby
	SSL         bool   // the login was encrypted
	Version     int    // server_version_num
}

// Withheld is a relation of a bound schema on which the level grants nothing.
type Withheld struct {
	Relation string `json:"relation"` // quoted for SQL
	Reason   string `json:"reason"`   // belongs to the superuser ... and reads ...
}

// Unfinished is a change of privileges that other sessions prevented.
type Unfinished struct {
	Statement string   `json:"statement"`
	Blockers  []string `json:"blockers"` // process, user, application and start of the transaction; empty if they are gone
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

// PublicGrant is what everybody may do, this login role too, whatever its level says.
type PublicGrant struct {
	What  string `json:"what"`  // CONNECT on database shop
	Close string `json:"close"` // the statement that takes it away
}

// CreateUser creates the login role, without login and password. exists says that a role of this name was there; whose it is, Bind finds
// out.
func (s *Server) CreateUser(ctx context.Context, role string) (exists bool, err error) {
	before := s.auth
	stderr, err := s.createuser(ctx, role)
	if errors.Is(err, errCut) {
		return s.wasCreated(ctx, role)
	}
	if !exited(err) {
		return false, err
	}
	facts, err := s.inspect(ctx, role)
	switch {
	case err != nil:
		return false, err
	case facts.Found.Role:
		return true, nil
	case !facts.Found.CreatesRole:
		return false, fmt.Errorf("role %q may not create roles: name one that may with --admin-user", s.User)
	case s.auth != before:
		// psql could log in, and createuser could not.
		return s.CreateUser(ctx, role)
	}
	err = fmt.Errorf("createuser failed: %s", message(stderr))
	if len(facts.Holders) > 0 {
		err = &LockedError{Holders: facts.Holders, Err: err}
	}
	return false, err
}

// Bind creates the access role, grants what its level lacks, completes the login role (membership, metadata, password), and then logs in with the password.
// It may be repeated, and repeats itself where the transaction lost to another one or its outcome was cut off. Errors: ErrStandby, ErrIncomplete, *AdminLoginError,
// *ForeignRoleError, *LockedError, *LoginError (the transaction is committed then), *SQLError.
func (s *Server) Bind(ctx context.Context, b Binding, l Login) (*Result, error) {
	result, err := prove(ctx, l, func(l Login) (*Result, error) { return s.bind(ctx, b, l) })
	return result, s.blame(ctx, b.Role, err)
}

func (s *Server) bind(ctx context.Context, b Binding, l Login) (*Result, error) {
	sc, err := bindScript(b, l)
	if err != nil {
		return nil, err
	}
	out, err := s.psql(ctx, sc)
	if out == nil {
		return nil, err
	}
	return s.result(Request{b, l}, out, err)
}

// result turns what a script reported of a binding into what a bind returns.
func (s *Server) result(r Request, out *output, err error) (*Result, error) {
	b, l := r.Binding, r.Login
	result := &Result{Did: out.did, Lacks: out.Lacks, Withheld: out.Withheld, Unowned: out.Unowned, Unfinished: out.Unfinished, Escalations: out.Escalations, Creators: out.Creators, Public: out.Public}
	if out.Server != nil {
		result.Version = out.Server.Version
	}
	if out.Committed {
		result.Host = l.hostIn(out.Domain)
	}
	if failure := s.outcome(out, err, b.Owner.Run); failure != nil {
		return result, failure
	}
	result.Reached, result.Standby, result.SSL = out.Login.Host, out.Login.Standby, out.Login.SSL
	result.Verified = out.verified()
	return result, b.checkIdentity(out.Login)
}

// checkIdentity holds what the server calls the session against what the level says.
func (b Binding) checkIdentity(l *login) error {
	want := b.Role
	if b.Access.Level == All {
		want = b.Access.Role()
	}
	if l.SessionUser != b.Role || l.CurrentUser != want {
		return &LoginError{Message: fmt.Sprintf("the session acts as role %q instead of %q", l.CurrentUser, want)}
	}
	return nil
}
