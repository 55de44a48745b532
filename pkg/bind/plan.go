package bind

import (
	"cmp"
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// plan is everything about a binding that can be known before anything is written.
type plan struct {
	options    Options
	workload   *workload.Workload
	containers []string
	database   *target.Database
	others     []*target.Database // that may be the primary if database is not
	roles      Roles
	binding    postgres.Binding
	secret     slot
	lost       []string // Secrets that the workload's annotations call this binding's, and that are not
	password   string
	result     *postgres.Result // of the proof; nil before it
	made       string           // the login role that this run made and has not taken back

	namespaceRead bool // whether the binding's owner has the UID of its namespace, if that may be known
}

// plan reads what is there and refuses what cannot work. It writes nothing: the Secret and the reference are sent as a dry run, so that
// permissions, admission and quota refuse now.
func (b *Binder) plan(ctx context.Context, w *workload.Workload, o Options) (*plan, error) {
	if err := b.checkLogin(o.Login); err != nil {
		return nil, err
	}
	if err := b.refuseControlled(ctx, w); err != nil {
		return nil, err
	}
	containers, err := workload.Containers(w.Template(), o.Reference.Containers)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w, err)
	}
	candidates, err := b.Databases.Candidates(ctx, o.Postgres, o.Choice)
	if err != nil {
		return nil, err
	}
	database := candidates[0]
	if database.RunBy(w.UID()) {
		return nil, fmt.Errorf("%s runs the database pod/%s itself: bind the workload that uses the database", w, database.Pod.Name)
	}
	id := credentials.ID(credentials.Identity(w.Namespace(), w.String(), w.UID()), database.Location, o.Database)
	p := &plan{options: o, workload: w, containers: containers, database: database, others: candidates[1:], roles: b.Roles(database, o), password: cmp.Or(o.Login.Password, credentials.NewPassword())}
	p.binding = postgres.Binding{
		Owner:  postgres.Owner{ID: id, Run: credentials.NewRun(), Namespace: w.Namespace()},
		Access: postgres.Access{Database: o.Database, Schemas: o.Schemas, Level: o.Level},

		Expires: o.Login.end(), RevokePublic: o.RevokePublic, Force: o.Reference.Force,
	}
	if o.Isolated {
		p.binding.Access.Isolated = id
	}
	if err := b.chooseSecret(ctx, p); err != nil {
		return nil, err
	}
	if err := b.tryServiceBinding(ctx, p); err != nil {
		return nil, err
	}
	return p, b.tryReference(ctx, p)
}

// refuseControlled refuses a workload whose template its controller would put back.
func (b *Binder) refuseControlled(ctx context.Context, w *workload.Workload) error {
	top, err := b.Workloads.TopOwner(ctx, w)
	if err != nil {
		return fmt.Errorf("find the owner of %s: %w", w, err)
	}
	if top != "" {
		return fmt.Errorf("%s is controlled by %s, which would put it back: bind %s instead", w, top, top)
	}
	return nil
}

// readNamespace completes the mark of the role. Only who writes the mark needs it.
func (b *Binder) readNamespace(ctx context.Context, p *plan) (err error) {
	if p.namespaceRead {
		return nil
	}
	if b.Namespaces != nil {
		p.binding.Owner.NamespaceUID, err = b.Namespaces(ctx, p.workload.Namespace())
	} else {
		p.binding.Owner.NamespaceUID, err = NamespaceUID(ctx, b.Kube, p.workload.Namespace())
	}
	p.namespaceRead = err == nil
	return err
}

// NamespaceUID tells a namespace from a later one of the same name; it stays empty where the Namespace may not be read.
func NamespaceUID(ctx context.Context, kube kubernetes.Interface, name string) (string, error) {
	namespace, err := kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsForbidden(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read namespace %s: %w", name, err)
	}
	return string(namespace.UID), nil
}

// login is how the role's password is proved, and set before that where set is true.
func (p *plan) login(set bool) postgres.Login {
	return postgres.Login{
		Password: p.password, Set: set,
		Host: p.database.HostName(), HostComplete: p.database.HostComplete(), HostChosen: p.database.Host != "", Port: p.database.Port,
		Address: p.database.Address, PodIP: p.database.PodIP, PodPort: p.database.PodPort,
	}
}
