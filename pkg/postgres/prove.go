package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
)

const pauseBetween = 300 * time.Millisecond

// prove runs a script that ends in a login. It repeats the script where its transaction lost to another one or its outcome was cut off,
// and, where a host that the user chose refuses the login, once more past that host: a pooler may need to learn of the role first,
// which is no fault of the role.
func prove(ctx context.Context, l Login, run func(Login) (*Result, error)) (*Result, error) {
	result, err := repeat(ctx, retryable, func() (*Result, error) { return run(l) })
	var refused *LoginError
	if !l.HostChosen || l.PodIP == "" || !errors.As(err, &refused) {
		return result, err
	}
	chosen := l.Host
	l.Host = ""
	direct, err := repeat(ctx, retryable, func() (*Result, error) { return run(l) })
	if err != nil {
		return direct, err
	}
	direct.Host, direct.Refused = chosen, refused.Message
	direct.Did = append(result.Did, direct.Did...)
	return direct, nil
}

// repeat calls run up to three times, with a pause, as long as again returns true for the error.
func repeat[T any](ctx context.Context, again func(error) bool, run func() (T, error)) (T, error) {
	result, err := run()
	for tried := 1; tried < attempts && again(err); tried++ {
		if !parallel.Pause(ctx, time.Duration(tried)*pauseBetween) {
			return result, err
		}
		result, err = run()
	}
	return result, err
}
