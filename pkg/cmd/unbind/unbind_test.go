package unbind

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command/commandtest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
)

func TestOptions_FollowFlags(t *testing.T) {
	for line, want := range map[string]func(u *unbind.Options){
		"deployment/web":                           func(*unbind.Options) {},
		"deployment/web --grace=1s":                func(u *unbind.Options) { u.Grace = time.Second },
		"deployment/web --timeout=1s":              func(u *unbind.Options) { u.Timeout = time.Second },
		"deployment/web --force":                   func(u *unbind.Options) { u.Force = true },
		"deployment/web --restart":                 func(u *unbind.Options) { u.Restart = true },
		"deployment/web --recreate":                func(u *unbind.Options) { u.Recreate = true },
		"deployment/web --keep-role":               func(u *unbind.Options) { u.Keep = true },
		"deployment/web --purge":                   func(u *unbind.Options) { u.Purge = true },
		"deployment/web --drop-database":           func(u *unbind.Options) { u.DropDatabase = true },
		"deployment web --drop-database":           func(u *unbind.Options) { u.DropDatabase = true },
		"deployment/web --abandon-role":            func(u *unbind.Options) { u.Abandon = true },
		"deployment/web --dry-run=server":          func(u *unbind.Options) { u.DryRun = cmdutil.DryRunServer },
		"--all":                                    func(*unbind.Options) {},
		"deployment/web --postgres=sts/pg":         func(u *unbind.Options) { u.Postgres.Kind, u.Postgres.Name, u.Named = "statefulset", "pg", true },
		"deployment/web --postgres-namespace=data": func(u *unbind.Options) { u.Postgres.Namespace, u.Named = "data", true },
	} {
		o := commandtest.Complete(t, newCommand, line)
		expected := unbind.Options{
			Grace:    10 * time.Second,
			Timeout:  5 * time.Minute,
			Postgres: server.Ref{Kind: server.KindPod, Name: "postgresql-sfs-0", Namespace: "shop"},
		}
		want(&expected)
		assert.Equal(t, expected, o.unbind, line)
	}
	o := commandtest.Complete(t, newCommand, "deployment/web --secret=s --dbname=d --yes --field-manager=me")
	assert.Equal(t, inventory.Filter{Secret: "s", Database: "d"}, o.selection.Filter)
	assert.Equal(t, []string{"deployment/web"}, o.workloads)
	assert.True(t, o.yes)
	assert.Equal(t, "me", o.unbind.FieldManager)
	assert.True(t, commandtest.Complete(t, newCommand, "-A --shard=0/2").selection.Many())
}

// TestConfirm_ListsWhatTheUserDidNotName: without a terminal, --yes is required.
func TestConfirm_ListsWhatTheUserDidNotName(t *testing.T) {
	chosen := make(printers.Bindings, 1)
	chosen[0].Namespace, chosen[0].Marks.Workload = "shop", "deployment.apps/web"
	chosen[0].Marks.DBName, chosen[0].Marks.Access = "orders", "all"
	for line, want := range map[string]string{
		"--all":                  "refusing to unbind without confirmation: pass --yes, or run the command in a terminal",
		"-l app=web":             "refusing to unbind without confirmation",
		"-A":                     "refusing to unbind without confirmation",
		"--all --yes":            "",
		"--all --dry-run=client": "",
		"--all --dry-run=server": "",
	} {
		o := commandtest.Complete(t, newCommand, line)
		streams, _, out, errOut := genericiooptions.NewTestIOStreams()
		o.streams = streams
		err := o.confirm(t.Context(), chosen)
		assert.Empty(t, out.String(), line)
		if want == "" {
			require.NoError(t, err, line)
			assert.Equal(t, o.yes, strings.Contains(errOut.String(), "deployment/web"), "a dry run prints a plan of each: "+line)
			continue
		}
		require.ErrorContains(t, err, want, line)
		assert.Regexp(t, `(?m)deployment/web\s+orders\s+all`, errOut.String(), line)
		assert.Equal(t, line == "-A", strings.Contains(errOut.String(), "NAMESPACE"), line)
	}
}
