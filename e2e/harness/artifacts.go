package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Dump writes objects, events and logs of the namespace to files in dir, for the analysis of a failure. Of Secrets, it
// writes keys, not values.
func (n *Namespace) Dump(ctx context.Context, dir string) error {
	failures := []error{}
	for file, command := range map[string]*Command{
		"objects.txt":  n.Kubectl("get", "all,persistentvolumeclaims,endpointslices", "--output=wide"),
		"describe.txt": n.Kubectl("describe", "all,persistentvolumeclaims,secrets"),
		"events.txt":   n.Kubectl("get", "events", "--sort-by=.lastTimestamp"),
		"database.log": n.Kubectl("logs", "--selector=app=postgresql-a", "--all-containers", "--tail=500", "--prefix"),
		"app.log":      n.Kubectl("logs", "--selector=app=postgresql-app", "--all-containers", "--tail=500", "--prefix"),
	} {
		result, err := command.Run(ctx)
		if err == nil {
			text := fmt.Sprintf("$ %s\n%s%s", command, result.Stdout, result.Stderr)
			err = os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600)
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}
