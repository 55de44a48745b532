package list

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command/commandtest"
)

func TestOptions_FollowFlags(t *testing.T) {
	t.Setenv("JOB_COMPLETION_INDEX", "1")
	for args, check := range map[string]func(o *Options) bool{
		"": func(o *Options) bool {
			return o.namespace == "shop" && !o.tree && o.output.IsTable() && !o.scope.Shard.IsSet()
		},
		"-A":                   func(o *Options) bool { return o.namespace == "" && o.scope.All },
		"-l app=web":           func(o *Options) bool { return o.scope.Selector == "app=web" },
		"--selector app=web":   func(o *Options) bool { return o.scope.Selector == "app=web" },
		"--shard /3":           func(o *Options) bool { return o.scope.Shard.IsSet() },
		"--tree":               func(o *Options) bool { return o.tree },
		"-o wide":              func(o *Options) bool { return *o.output.OutputFormat == "wide" && o.output.IsTable() },
		"-o json":              func(o *Options) bool { return !o.output.IsTable() },
		"--template {{.kind}}": func(o *Options) bool { return !o.output.IsTable() },
	} {
		o, err := commandtest.Try(t, newCommand, args)
		require.NoError(t, err, args)
		assert.True(t, check(o), args)
	}
}

func TestValidate_RejectsFlags(t *testing.T) {
	for args, want := range map[string]string{
		"--tree -o json": "specify either --tree or --output",
		"-l a=b=c":       "read --selector",
		"--shard 3/2":    "read --shard",
	} {
		_, err := commandtest.Try(t, newCommand, args)
		require.ErrorContains(t, err, want, args)
	}
}
