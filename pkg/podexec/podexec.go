// Package podexec runs commands in containers through the Kubernetes exec API. No other package uses that API.
package podexec

import (
	"context"
	"fmt"
	"io"

	"k8s.io/client-go/tools/remotecommand"
)

// Container names the container in which a command runs.
// If Name is empty, the API server chooses the Pod's only container.
type Container struct{ Namespace, Pod, Name string }

// String returns the container as messages show it.
func (c Container) String() string {
	if c.Name == "" {
		return "pod/" + c.Pod
	}
	return fmt.Sprintf("pod/%s (container %s)", c.Pod, c.Name)
}

// Streams are the command's standard streams. If Stdin is nil, the command has no input. If Stdout or Stderr is nil,
// that output is discarded. Stdout and Stderr can be the same writer: writes to it do not overlap, and there is none
// after Exec returns. Exec can read more of Stdin than the command does.
type Streams struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Terminal, if not nil, gives the command a terminal, and this queue reports its sizes. A terminal has one output,
	// so everything goes to Stdout.
	Terminal remotecommand.TerminalSizeQueue
}

// Executor runs commands in containers.
type Executor interface {
	// Exec runs argv in c. It returns when the command or ctx has ended.
	//
	// Errors, for errors.As: *ExitError if the status is not 0, *StartError if the container runtime cannot run the command, and
	// *apierrors.StatusError if the API server refuses. argv is public, because it is part of a URL and of the audit log, but errors
	// contain only argv[0].
	//
	// A nil error does not prove that the command ran to its end, because the API reports a cut stream as a success: require a last line
	// from the command. The end of ctx does not stop the command either: give the command its own limit.
	Exec(ctx context.Context, c Container, argv []string, s Streams) error
}
