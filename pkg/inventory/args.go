package inventory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Split separates the names of bindings from workloads. -o name prints a binding as binding.pgbind.dev/NAME, with the name of its Secret.
func Split(args []string) (bindings, workloads []string) {
	for _, arg := range args {
		word, name, slash := strings.Cut(arg, "/")
		if slash && slices.Contains([]string{"binding", "bindings", "binding.pgbind.dev", "bindings.pgbind.dev"}, strings.ToLower(word)) {
			bindings = append(bindings, name)
			continue
		}
		workloads = append(workloads, arg)
	}
	return bindings, workloads
}

// CheckArgs rejects arguments that name neither bindings nor workloads. It sends no request.
func CheckArgs(args []string) error {
	bindings, workloads := Split(args)
	if slices.Contains(bindings, "") {
		return fmt.Errorf("binding name required: use binding/NAME, as kubectl pgbind list -o name prints it")
	}
	if len(bindings) > 0 && len(workloads) == 0 {
		return nil
	}
	return workload.CheckArgs(workloads)
}

// CheckWorkloads rejects arguments that name no workloads, for commands that take no bindings: what a binding shall be
// is not taken from the metadata of its Secret, which everyone who can write the Secret can forge. It sends no request.
func CheckWorkloads(args []string) error {
	bindings, _ := Split(args)
	if len(bindings) > 0 {
		return fmt.Errorf("binding/%s is a binding, and this command takes workloads: name it as TYPE/NAME; to repair a binding, run: "+
			"kubectl pgbind check --fix binding/%[1]s", bindings[0])
	}
	return workload.CheckArgs(args)
}
