package rotate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command/commandtest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rotate"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

func TestOptions_FollowFlags(t *testing.T) {
	for line, want := range map[string]func(r *rotate.Options){
		"deployment/web":                           func(*rotate.Options) {},
		"deployment/web --timeout=1s":              func(r *rotate.Options) { r.Timeout = time.Second },
		"deployment/web --grace=1s":                func(r *rotate.Options) { r.Grace = time.Second },
		"deployment/web --drain-timeout=1s":        func(r *rotate.Options) { r.Drain = time.Second },
		"deployment/web --settle=1s":               func(r *rotate.Options) { r.Settle = time.Second },
		"deployment/web --drop-after=1s":           func(r *rotate.Options) { r.DropAfter = time.Second },
		"deployment/web --in-place":                func(r *rotate.Options) { r.InPlace = true },
		"deployment/web --restart":                 func(r *rotate.Options) { r.Restart = true },
		"deployment/web --force":                   func(r *rotate.Options) { r.Force = true },
		"deployment/web --field-manager=me":        func(r *rotate.Options) { r.FieldManager = "me" },
		"deployment/web --dry-run=client":          func(r *rotate.Options) { r.DryRun = cmdutil.DryRunClient },
		"deployment/web --postgres=sts/pg":         func(r *rotate.Options) { r.Postgres.Kind, r.Postgres.Name, r.Named = "statefulset", "pg", true },
		"deployment/web --postgres-container=main": func(r *rotate.Options) { r.Choice.Container = "main" },
	} {
		o := commandtest.Complete(t, newCommand, line)
		expected := rotate.Options{
			Timeout: 5 * time.Minute, Grace: 10 * time.Second, Drain: time.Minute, Settle: 2 * time.Minute,
			Postgres: server.Ref{Kind: server.KindPod, Name: "postgresql-sfs-0", Namespace: "shop"},
		}
		want(&expected)
		assert.Equal(t, expected, o.rotate, line)
	}
	o := commandtest.Complete(t, newCommand, "deployment/web --secret=s --dbname=d")
	assert.Equal(t, inventory.Filter{Secret: "s", Database: "d"}, o.selection.Filter)
	assert.Equal(t, []string{"deployment/web"}, o.workloads)
	assert.Equal(t, time.Hour, commandtest.Complete(t, newCommand, "--all --older-than=1h").olderThan)
}
