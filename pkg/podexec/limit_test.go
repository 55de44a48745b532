package podexec_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// executor is a function as an Executor.
type executor func(context.Context) error

func (e executor) Exec(ctx context.Context, _ podexec.Container, _ []string, _ podexec.Streams) error {
	return e(ctx)
}

func silent(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestLimited_StopsAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := podexec.Limited(executor(silent), time.Minute).Exec(t.Context(), database, []string{"psql"}, podexec.Streams{})
		require.ErrorIs(t, err, podexec.ErrLimit)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "--request-timeout")
	})
}

func TestLimited_KeepsOtherErrors(t *testing.T) {
	for name, end := range map[string]error{"success": nil, "failure": io.ErrUnexpectedEOF} {
		t.Run(name, func(t *testing.T) {
			limited := podexec.Limited(executor(func(context.Context) error { return end }), time.Minute)
			require.Equal(t, end, limited.Exec(t.Context(), database, []string{"psql"}, podexec.Streams{}))
		})
	}
	t.Run("the caller's own", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := podexec.Limited(executor(silent), time.Minute).Exec(ctx, database, []string{"psql"}, podexec.Streams{})
		require.Equal(t, context.Canceled, err)
	})
}
