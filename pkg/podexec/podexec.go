// Package podexec runs commands in containers. It is the only place that knows the Kubernetes exec API.
package podexec

import (
	"context"
	"fmt"
	"io"

	"k8s.io/client-go/tools/remotecommand"
)

// Container names the container of a Pod in which a command runs.
// An empty Name leaves the choice to the API server, which takes a Pod's only container.
type Container struct{ Namespace, Pod, Name string }

// String is the container as messages show it.
func (c Container) String() string {
	if c.Name == "" {
		return "pod/" + c.Pod
	}
	return fmt.Sprintf("pod/%s (container %s)", c.Pod, c.Name)
}

// Streams are the command's standard streams. A nil Stdin means none, a nil Stdout or Stderr is discarded.
// Stdout and Stderr may be the same writer; it gets one Write at a time and none after Exec has returned.
// Stdin belongs to Exec: it may have been read further than the command did.
type Streams struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Terminal, if not nil, gives the command a terminal, which has the sizes of this queue as they come. A terminal has one output:
	// all of it goes to Stdout.
	Terminal remotecommand.TerminalSizeQueue
}

// Executor runs commands in containers.
type Executor interface {
	// Exec runs argv in c and returns when it has ended or ctx has.
	//
	// A status other than 0 is an *ExitError, a command that the container runtime could not run a *StartError,
	// and a refusal by the API server a *apierrors.StatusError; all three are found by errors.As.
	// argv is public (it is part of a URL and of the audit log), yet no error shows more of it than argv[0].
	//
	// A nil error does not prove that the command ran to its end, since the API reports a cut stream as success:
	// require a last line from the command. The end of ctx does not stop the command either: give it a limit of its own.
	Exec(ctx context.Context, c Container, argv []string, s Streams) error
}
