package podexec

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/exec"
)

// ExitError reports that the command ran and ended with a status other than 0.
type ExitError struct{ Code int }

func (e *ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Code) }

// StartError reports that the container runtime returned an error instead of an exit status. Usually the image does not contain Program or
// the container does not run. A runtime that fails later returns the same error.
type StartError struct{ Program, Reason string }

func (e *StartError) Error() string { return "the container runtime reported: " + e.Reason }

// remoteError converts the error that client-go read from the error stream of program.
func remoteError(err error, program string) error {
	if err == nil {
		return nil
	}
	if exit, ok := errors.AsType[exec.CodeExitError](err); ok {
		return &ExitError{Code: exit.Code}
	}
	// client-go keeps only the text of the Status. The kubelet and the API server create this text with the same function.
	prefix := apierrors.NewInternalError(errors.New("")).Error()
	reason := err.Error()
	if !strings.HasPrefix(reason, prefix) {
		return err
	}
	// Over WebSocket, both of them add the prefix.
	for strings.HasPrefix(reason, prefix) {
		reason = strings.TrimPrefix(reason, prefix)
	}
	return &StartError{Program: program, Reason: reason}
}
