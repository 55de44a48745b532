package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/lookup"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/retire"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// rotation is the plan of a rotation and its progress.
type rotation struct {
	lookup.Binding
	options  Options
	ref      target.Ref
	database *target.Database
	roles    Roles
	held     *postgres.Holdings

	former, role string // the login roles' names
	earlier      []string
	generation   int
	owner        postgres.Owner
	password     string
	since        time.Time // Pods that start later use the new login
	host         string    // host of the verified login
	encrypted    bool      // the verified login was encrypted

	users   []*workload.Workload // of the Secret, including the bound workload
	unseen  bool                 // it is unknown whether something still uses the old login
	kept    bool                 // Pods that are not replaced use the old login
	patched []patched
	// keepSuccessor means that the roll-back found something that may use the new login.
	keepSuccessor bool
}

// plan reads the state and refuses what cannot work. It writes nothing: it sends the Secret and the references as a dry run.
func (r *Rotator) plan(ctx context.Context, b *lookup.Binding, o Options) (*rotation, error) {
	p := &rotation{Binding: *b, options: o, former: b.Marks.Role, generation: b.Marks.Generation + 1, password: credentials.NewPassword()}
	p.role = credentials.RoleName(b.Marks.ID, p.generation)
	namespaceUID, err := credentials.NamespaceUID(ctx, r.Kube, b.Namespace)
	if err != nil {
		return nil, err
	}
	p.owner = postgres.Owner{ID: b.Marks.ID, Run: credentials.NewRun(), Namespace: b.Namespace, NamespaceUID: namespaceUID}
	if err := p.refuseUnfinished(); err != nil {
		return nil, err
	}
	if err := r.survey(ctx, p); err != nil {
		return nil, err
	}
	if err := p.sortRoles(); err != nil {
		return nil, err
	}
	if !o.InPlace && p.former != credentials.RoleName(b.Marks.ID, b.Marks.Generation) {
		r.Report.Warn("the user name %q was chosen with --username, but the next user is called %q: use --in-place to keep the name",
			p.former, p.role)
	}
	if err := r.findUsers(ctx, p); err != nil {
		return nil, err
	}
	return p, r.rehearse(ctx, p)
}

// refuseUnfinished refuses a Secret whose workload has no annotation: its bind is in progress or was interrupted.
func (p *rotation) refuseUnfinished() error {
	if p.Workload == nil || p.notes(p.Workload) || p.Marks.Choices.Inject == string(workload.InjectNone) {
		return nil
	}
	return fmt.Errorf("%s is not bound to secret/%s in namespace %s yet: finish that first: kubectl pgbind %s -n %s",
		p.Name, p.SecretName, p.Namespace, p.Name, p.Namespace)
}

// survey finds the server (from the user, or else from the Secret, or else the default) and what depends on the binding's roles there.
func (r *Rotator) survey(ctx context.Context, p *rotation) error {
	var err error
	p.ref = p.options.Postgres
	if !p.options.Named {
		p.ref, err = p.Location(p.options.Postgres)
	}
	if err != nil {
		return err
	}
	candidates, err := r.Databases.Candidates(ctx, p.ref, p.options.Choice)
	if err != nil {
		return err
	}
	for _, p.database = range candidates {
		p.roles = r.Roles(p.database, p.Marks.Database)
		if p.held, err = r.retirer(p).Survey(ctx, p.former); err == nil {
			return nil
		}
		err = fmt.Errorf("the login of secret/%s in pod/%s: %w", p.SecretName, p.database.Pod.Name, err)
		if !errors.Is(err, postgres.ErrStandby) {
			return err
		}
	}
	return err
}

// sortRoles finds the current role and those that earlier rotations left. It refuses if the new role would have fewer privileges.
func (p *rotation) sortRoles() error {
	i := slices.IndexFunc(p.held.Roles, func(h postgres.Holder) bool { return h.Role == p.former })
	if i < 0 {
		return fmt.Errorf("role %q of secret/%s does not exist: create it again with: kubectl pgbind %s -n %s",
			p.former, p.SecretName, p.Name, p.Namespace)
	}
	for _, holder := range p.held.Roles {
		// The new role exists if a run was interrupted before it wrote the Secret. Use it.
		if holder.Role != p.former && holder.Role != p.role {
			p.earlier = append(p.earlier, holder.Role)
		}
	}
	if p.options.Force || p.options.InPlace {
		return nil
	}
	return p.refuseLoss(p.held.Roles[i])
}

// refuseLoss refuses to replace a role that has privileges of its own, in addition to those of its access role.
func (p *rotation) refuseLoss(h postgres.Holder) error {
	var errs []error
	for _, o := range h.Objects {
		if o.Granted > 0 {
			errs = append(errs, fmt.Errorf("role %q has privileges of its own in database %q that the new role would not get (%s): "+
				"grant them to role %s, change only the password with --in-place, or use --force",
				h.Role, o.Database, strings.Join(o.Loses, ", "), h.Access))
		}
	}
	return errors.Join(errs...)
}

// findUsers lists the users of the login, and whether their Pods must be replaced.
func (r *Rotator) findUsers(ctx context.Context, p *rotation) error {
	users, err := r.Workloads.Users(ctx, p.Namespace, p.SecretName)
	if unlisted := (*workload.UnlistedError)(nil); errors.As(err, &unlisted) {
		r.Report.Warn("%v", unlisted)
	} else if err != nil {
		return err
	}
	p.unseen = err != nil || len(users) == 0
	for _, user := range users {
		p.unseen = p.unseen || !p.restarts(user)
	}
	isBound := func(w *workload.Workload) bool { return p.Workload != nil && w.UID() == p.Workload.UID() }
	if p.users = users; p.Workload != nil && !slices.ContainsFunc(users, isBound) {
		p.users = append(p.users, p.Workload)
	}
	return nil
}

// restarts reports whether the workload gets a new login only with new Pods.
func (p *rotation) restarts(w *workload.Workload) bool {
	return workload.ReadsOnce(&w.Template().Spec, p.SecretName)
}

func (r *Rotator) retirer(p *rotation) *retire.Retirer {
	return &retire.Retirer{Roles: p.roles, Owner: p.owner, Report: r.Report, Found: p.held}
}

// login describes how to set the new password and how to verify it, with the same address as the applications.
func (p *rotation) login(password string) postgres.Login {
	login := postgres.Login{
		Password: password, Set: true, Host: p.database.HostName(), HostComplete: p.database.HostComplete(),
		Port: p.database.Port, PodIP: p.database.PodIP, PodPort: p.database.PodPort,
	}
	if p.Secret != nil {
		if c, ok := credentials.Of(p.Secret); ok {
			login.Host, login.HostComplete, login.HostChosen = c.Host, true, p.Marks.Choices.Host != ""
			login.Port = c.LoginPort()
		}
	}
	return login
}

// show reports what a rotation would do.
func (r *Rotator) show(p *rotation) {
	for _, user := range p.users {
		if p.restarts(user) && !p.options.InPlace {
			r.Report.Step("the Pods of %s would be replaced", user)
		}
	}
	for _, role := range p.earlier {
		r.Report.Done("role/"+role, "dropped")
	}
	if !p.options.InPlace {
		r.Report.Done("role/"+p.role, "created")
	}
	r.Report.Done("secret/"+p.SecretName, "rotated")
}
