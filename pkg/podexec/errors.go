package podexec

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/exec"
)

// ExitError says that the command ran and ended with a status other than 0.
type ExitError struct{ Code int }

func (e *ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Code) }

// StartError says that the container runtime reported a failure in place of an exit status. As a rule Program
// is not in the image or the container does not run; a runtime that failed later looks the same.
type StartError struct{ Program, Reason string }

func (e *StartError) Error() string { return "the container runtime reported: " + e.Reason }

// remoteError translates what client-go made of the error stream of program.
func remoteError(err error, program string) error {
	if err == nil {
		return nil
	}
	if exit, ok := errors.AsType[exec.CodeExitError](err); ok {
		return &ExitError{Code: exit.Code}
	}
	// client-go keeps nothing but the text of the Status, which kubelet and API server make by the same function.
	prefix := apierrors.NewInternalError(errors.New("")).Error()
	reason := err.Error()
	if !strings.HasPrefix(reason, prefix) {
		return err
	}
	// Over WebSocket each of them puts it in front.
	for strings.HasPrefix(reason, prefix) {
		reason = strings.TrimPrefix(reason, prefix)
	}
	return &StartError{Program: program, Reason: reason}
}
