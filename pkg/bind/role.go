package bind

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
)

// role sees to it that the login role is there, may do what its level says, and can log in with the binding's password.
func (b *Binder) role(ctx context.Context, p *plan, made *undo.Stack) (*postgres.Result, error) {
	if p.secret.existing != nil {
		result, err := b.keepRole(ctx, p)
		if !errors.Is(err, postgres.ErrIncomplete) {
			return result, b.inDatabase(p, err)
		}
		// A rotation may have dropped the role that the Secret named when it was read. If there is a Secret now, its login counts.
		if err := b.lookAgain(ctx, p); err != nil {
			return nil, err
		}
	}
	if err := b.readNamespace(ctx, p); err != nil {
		return nil, err
	}
	creation := p.roles.CreateAll(ctx, []postgres.Request{{Binding: p.binding, Login: p.login(true)}})[0]
	if unknown := new(postgres.UnknownError); creation.Made || errors.As(creation.Err, &unknown) {
		made.Push(b.dropRole(p))
	}
	if creation.Made {
		p.made = p.binding.Role
		b.Report.Step("role %s created in pod/%s", p.binding.Role, p.database.Pod.Name)
	}
	if !errors.Is(creation.Err, postgres.ErrExists) {
		return creation.Result, b.inDatabase(p, creation.Err)
	}
	// Another run for this workload is under way, or one died. If there is a Secret now, its login counts.
	if err := b.lookAgain(ctx, p); err != nil {
		return nil, err
	}
	result, err := p.roles.Bind(ctx, p.binding, p.login(true))
	return result, b.inDatabase(p, err)
}

// keepRole sees to the login role of a Secret that is there.
func (b *Binder) keepRole(ctx context.Context, p *plan) (*postgres.Result, error) {
	// A Secret that the workload does not refer to yet is of a run that died, or that is under way and may take back what it made: setting
	// the password, although it is the same, makes the role this run's.
	set := !p.noted()
	if set {
		if err := b.readNamespace(ctx, p); err != nil {
			return nil, err
		}
	}
	result, err := p.roles.Bind(ctx, p.binding, p.login(set))
	if login := (*postgres.LoginError)(nil); set || !errors.As(err, &login) {
		return result, err
	}
	b.Report.Warn("role %q does not take the password of secret/%s, so it is set again", p.binding.Role, p.secret.name)
	if err := errors.Join(b.readNamespace(ctx, p), b.lookAgain(ctx, p)); err != nil {
		return nil, err
	}
	return p.roles.Bind(ctx, p.binding, p.login(true))
}

// dropRole takes back a login role that this run made, unless another run has taken it over.
func (b *Binder) dropRole(p *plan) undo.Step {
	binding := p.binding
	return undo.Step{
		What: "role " + binding.Role,
		How:  fmt.Sprintf("kubectl exec -n %s %s -- dropuser --username=%s -- %s", p.database.Pod.Namespace, p.database.Pod.Name, p.options.AdminUser, binding.Role),
		Do: func(ctx context.Context) (bool, error) {
			did, err := p.roles.Undo(ctx, binding)
			return len(did) > 0, err
		},
	}
}

// lookAgain looks at what other runs for the same workload have left by now.
func (b *Binder) lookAgain(ctx context.Context, p *plan) error {
	if err := b.chooseAgain(ctx, p); err != nil {
		return err
	}
	b.dropUnused(ctx, p)
	return nil
}

// dropUnused takes back the login role that this run made before it learned that the binding has one of another generation.
func (b *Binder) dropUnused(ctx context.Context, p *plan) {
	if p.made == "" || p.made == p.binding.Role {
		return
	}
	unused := *p
	unused.binding.Role, p.made = p.made, ""
	made := &undo.Stack{Report: b.Report}
	made.Push(b.dropRole(&unused))
	_ = made.Run(ctx, nil)
}

// inDatabase adds to an error which database it is about.
func (b *Binder) inDatabase(p *plan, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, postgres.ErrStandby) {
		return fmt.Errorf("pod/%s: %w: name the primary with --postgres", p.database.Pod.Name, err)
	}
	return fmt.Errorf("database %q in pod/%s: %w", p.options.Database, p.database.Pod.Name, err)
}

// explain tells what was granted, and what was not.
func (b *Binder) explain(p *plan, r *postgres.Result) {
	for _, statement := range r.Did {
		b.Report.Step("%s", statement)
	}
	if len(r.Lacks) > 0 {
		b.Report.Warn("role %q still lacks: %s; let the owner of these objects grant it, or name an --admin-user that may", p.binding.Role, strings.Join(r.Lacks, ", "))
	}
	for _, u := range r.Unfinished {
		b.Report.Warn("%s", unfinished(u))
	}
	for _, w := range r.Withheld {
		b.Report.Warn("%s is not granted: it %s; to let the application read it, run: GRANT SELECT ON %s TO a role of yours, and grant that role to %s",
			w.Relation, w.Reason, w.Relation, p.binding.Access.Role())
	}
	if r.Unowned != nil && len(r.Did) > 0 {
		b.Report.Step("%s", unowned(r.Unowned, p.binding.Access.Role()))
	}
	for _, c := range r.Creators {
		b.Report.Warn("%s may create: what is created there can run as the application, which is therefore not isolated", c)
	}
	for _, e := range r.Escalations {
		b.Report.Warn("%s; to remove it: %s", e.What, e.Fix)
	}
	b.warnOfReplicas(p)
}

// unfinished says which change of a privilege did not happen, and why.
func unfinished(u postgres.Unfinished) string {
	if len(u.Blockers) == 0 {
		return fmt.Sprintf("another session prevented: %s; run the command again", u.Statement)
	}
	return fmt.Sprintf("%s: another session prevents it (%s); run the command again when it has ended", u.Statement, strings.Join(u.Blockers, ", "))
}

// unowned says what an application of level all cannot do with the tables of others, and how one of them becomes its own.
func unowned(u *postgres.Unowned, role string) string {
	return fmt.Sprintf("tables of others in the schemas: %d, foreign keys to them: %d; the application can use these tables, but not alter them or add foreign keys "+
		"to them; to make it the owner of one: ALTER TABLE %s OWNER TO %s", u.Tables, u.Keys, u.First, role)
}

// verified reports how far the login was verified, and what the level and the privileges of everybody mean.
func (b *Binder) verified(p *plan) {
	TellProof(b.Report, p.binding.Role, p.result)
	if len(p.result.Did) == 0 {
		return
	}
	for _, grant := range p.result.Public {
		b.Report.Step("everybody has %s; to take it away: %s", grant.What, grant.Close)
	}
	if p.options.Level == postgres.All {
		b.Report.Step("level all also lets the application create objects, and alter and drop what it creates; --access readwrite or readonly gives less")
	}
}

// TellProof tells how far the proof of a login went.
func TellProof(report Reporter, role string, r *postgres.Result) {
	switch {
	case !r.Verified:
		report.Warn("the password is not verified: the server trusts connections to %s without asking for it (see pg_hba.conf)", r.Reached)
	case r.Refused != "":
		report.Warn("the password is verified at the server, not through %s, which refuses it (%s): a pooler must be told of role %q", r.Host, r.Refused, role)
	case r.Reached != r.Host:
		report.Warn("the password is verified at the server (%s), not through %s, which does not answer from the database Pod", r.Reached, r.Host)
	default:
		report.Step("login as %s over %s proved", role, r.Reached)
	}
}

// warnOfReplicas warns of a host that does not always lead to the server that takes writes.
func (b *Binder) warnOfReplicas(p *plan) {
	if p.database.HostReachesReplicas {
		b.Report.Warn("service/%s in namespace %s also leads to replicas, which take no writes: make a Service that leads to the primary alone and name it with --postgres or --host",
			p.database.Service, p.database.Pod.Namespace)
	}
}
