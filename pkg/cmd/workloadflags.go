package cmd

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const defaultTimeout = 5 * time.Minute

// referenceFlags say how the workload's Pods get the Secret.
type referenceFlags struct {
	inject     string
	containers []string
	prefix     string
	mountPath  string
	adopt      bool
	force      bool
}

func (f *referenceFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.inject, "inject", string(workload.InjectEnvFrom), "How the Pods get the Secret: envFrom, env, volume, or none, which prints the patch instead")
	flags.StringSliceVarP(&f.containers, "container", "c", nil, "Container that gets the Secret, repeatable; '*' for all (default: the default-container annotation's, else the only one)")
	flags.StringVar(&f.prefix, "env-prefix", "", "Prefix of the variables' names")
	flags.StringVar(&f.mountPath, "mount-path", "", "Folder in which --inject volume shows the Secret")
	flags.BoolVar(&f.adopt, "adopt", false, "Take over equal references to the Secret that somebody else wrote")
	flags.BoolVar(&f.force, "force", false, "Also where the manifest of another tool sets envFrom, and would take ours away, and --isolated in a schema in which others may create")
}

func (f *referenceFlags) apply(o *binding.Options) error {
	inject := workload.Inject(f.inject)
	switch inject {
	case workload.InjectEnvFrom, workload.InjectEnv, workload.InjectNone:
		if f.mountPath != "" {
			return fmt.Errorf("--mount-path needs --inject volume")
		}
	case workload.InjectVolume:
		if f.mountPath == "" {
			return fmt.Errorf("--inject volume needs --mount-path")
		}
	default:
		return fmt.Errorf("--inject %q is unknown: use envFrom, env, volume or none", f.inject)
	}
	o.Reference = binding.ReferenceOptions{
		Inject: inject, Containers: f.containers, Prefix: f.prefix, MountPath: f.mountPath, Adopt: f.adopt, Force: f.force,
	}
	return nil
}

// rolloutFlags say how Pods are replaced, and what is waited for.
type rolloutFlags struct {
	wait     bool
	timeout  time.Duration
	restart  bool
	recreate bool
}

func (f *rolloutFlags) addTo(flags *pflag.FlagSet) {
	flags.BoolVar(&f.wait, "wait", true, "Wait until the workload's Pods have the Secret")
	flags.DurationVar(&f.timeout, "timeout", defaultTimeout, "How long to wait for the Pods")
	flags.BoolVar(&f.restart, "restart", false, "Replace the Pods of a workload that does not do it by itself, one by one")
	flags.BoolVar(&f.recreate, "recreate", false, "Replace a bare Pod by an equal one that has the Secret")
}

func (f *rolloutFlags) apply(o *binding.Options) {
	o.Rollout = binding.RolloutOptions{Wait: f.wait, Timeout: f.timeout, Restart: f.restart, Recreate: f.recreate}
}
