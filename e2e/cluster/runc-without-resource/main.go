// Command runc-without-resource is a runtime for machines where CAP_SYS_RESOURCE is not in the bounding set: it takes that
// capability out of what the engine asks for, since runc would fail on it, and then becomes runc.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

const capability = "CAP_SYS_RESOURCE"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runc-without-resource:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if err := rewrite(args); err != nil {
		return err
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		return fmt.Errorf("finding runc: %w", err)
	}
	return syscall.Exec(runc, append([]string{"runc"}, args...), os.Environ()) //nolint:gosec // becoming runc is the purpose
}

// rewrite changes the file that the call names: the bundle's configuration for a new container, the process file for an exec.
func rewrite(args []string) error {
	verb, file := target(args)
	if file == "" {
		return nil
	}
	if verb == "exec" {
		return rewriteFile(file, dropFromProcess)
	}
	return rewriteFile(filepath.Join(file, "config.json"), dropFromSpec)
}

// target returns the verb and the value of its --bundle or --process flag, the value empty if there is none.
func target(args []string) (verb, value string) {
	flags := map[string]string{"create": "--bundle", "run": "--bundle", "exec": "--process"}
	for i, arg := range args {
		if verb == "" && flags[arg] != "" {
			verb = arg
		}
		if verb != "" && arg == flags[verb] && i+1 < len(args) {
			return verb, args[i+1]
		}
	}
	return verb, ""
}
