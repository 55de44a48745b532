package cmd

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/bind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// rolesAhead is roles of one workload, where the server's exec begins beside the look at its Pod, which on the way to a far cluster takes as
// long. All that is known then is the Pod's name: a server on the usual port, in the Pod's only container or in the one that the user named, is
// taken for granted, and where there is another one the exec ends unused, as it does with ctx. It changes nothing. An administrator's password, and
// a person who types one, come first.
func (c *clients) rolesAhead(ctx context.Context, r *bindRun, o bind.Options) func(*target.Database, bind.Options) bind.Roles {
	waits := slices.ContainsFunc([]credentials.Source{r.sources.password, r.sources.ca}, func(s credentials.Source) bool { return s.Kind == credentials.FromStdin })
	if o.Postgres.Kind != target.KindPod || o.DryRun != bind.DryRunNone || len(r.args) != 1 || r.sources.admin.Kind != "" || waits {
		return c.roles
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: o.Postgres.Namespace, Name: o.Postgres.Name}}
	begun := c.bindServer(&target.Database{Pod: pod, Container: o.Choice.Container, PodPort: target.DefaultPort}, o)
	running, end := context.WithCancel(ctx)
	begun.Connect(running)
	return func(d *target.Database, o bind.Options) bind.Roles {
		server := c.bindServer(d, o)
		if only := len(d.Pod.Spec.Containers) == 1; only && begun.Container.Name == "" {
			begun.Container.Name = d.Container
		}
		if !server.TakeOver(begun) {
			end()
		}
		return server
	}
}
