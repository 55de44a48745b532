package cmd

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const defaultTimeout = 5 * time.Minute

// referenceFlags select how the workload's Pods use the Secret.
type referenceFlags struct {
	inject     string
	containers []string
	prefix     string
	mountPath  string
	adopt      bool
	force      bool
}

func (f *referenceFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.inject, "inject", string(workload.InjectEnvFrom),
		"How the Pods use the Secret: envFrom, env, volume, or none, which only prints the patch")
	flags.StringSliceVarP(&f.containers, "container", "c", nil, "Container that uses the Secret, repeatable; '*' for all "+
		"(default: the container of the default-container annotation, or else the only one)")
	flags.StringVar(&f.prefix, "env-prefix", "", "Prefix of the variables' names")
	flags.StringVar(&f.mountPath, "mount-path", "", "Directory in which --inject volume mounts the Secret")
	flags.BoolVar(&f.adopt, "adopt", false, "Take over existing references to the Secret")
	flags.BoolVar(&f.force, "force", false, "Proceed even if another field manager owns envFrom and may revert the change, "+
		"or if other roles can create objects in a schema of --isolated")
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
		return fmt.Errorf("invalid --inject %q: use envFrom, env, volume or none", f.inject)
	}
	o.Reference = binding.ReferenceOptions{
		Inject: inject, Containers: f.containers, Prefix: f.prefix, MountPath: f.mountPath, Adopt: f.adopt, Force: f.force,
	}
	return nil
}

// rolloutFlags select how Pods are replaced and whether to wait for them.
type rolloutFlags struct {
	wait     bool
	timeout  time.Duration
	restart  bool
	recreate bool
}

func (f *rolloutFlags) addTo(flags *pflag.FlagSet) {
	flags.BoolVar(&f.wait, "wait", true, "Wait until the workload's Pods use the Secret")
	flags.DurationVar(&f.timeout, "timeout", defaultTimeout, "Time to wait for the Pods")
	flags.BoolVar(&f.restart, "restart", false, "Delete the Pods one by one if the workload does not replace them itself")
	flags.BoolVar(&f.recreate, "recreate", false, "Replace a bare Pod with a copy that uses the Secret")
}

func (f *rolloutFlags) apply(o *binding.Options) {
	o.Rollout = binding.RolloutOptions{Wait: f.wait, Timeout: f.timeout, Restart: f.restart, Recreate: f.recreate}
}
