// Package command has what all commands share: their three steps, and the exit codes of the program.
package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// The exit codes in addition to 0. Those of a timeout and of a signal are like those of timeout(1) and of shells.
const (
	Failed     = 1 // something failed, or a command that compares has found something
	Usage      = 2 // the command line is wrong; also every error of a command that compares
	Timeout    = 124
	SignalBase = 128
)

// Options are the flags and the arguments of one command.
type Options interface {
	// Complete reads arguments and connection settings. It sends no request. Its errors are usage errors.
	Complete(cmd *cobra.Command, args []string) error
	// Validate rejects invalid values and contradictions. It sends no request. Its errors are usage errors.
	Validate() error
	// Run runs the command.
	Run(ctx context.Context) error
}

// RunE takes a command through its steps.
func RunE(o Options) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := o.Complete(cmd, args); err != nil {
			return WithCode(Usage, err)
		}
		if err := o.Validate(); err != nil {
			return WithCode(Usage, err)
		}
		return o.Run(cmd.Context())
	}
}

// Error ends the program with an exit code.
type Error struct {
	Code int
	Err  error // nil: everything is printed already
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit status %d", e.Code)
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// WithCode returns an error that ends the program with the code. It keeps nil, and the code that err has already.
func WithCode(code int, err error) error {
	if existing := (*Error)(nil); err == nil || errors.As(err, &existing) {
		return err
	}
	return &Error{Code: code, Err: err}
}

// UsageErrors makes the errors of all commands about their arguments and flags usage errors.
func UsageErrors(root *cobra.Command) {
	flagErrors := root.FlagErrorFunc()
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return WithCode(Usage, flagErrors(cmd, suggestFlag(cmd, err)))
	})
	checkArgs(root)
}

func checkArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return WithCode(Usage, check(cmd, args)) }
	}
	for _, child := range cmd.Commands() {
		checkArgs(child)
	}
}
