package workload

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInTime_NamesTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := Limit(t.Context(), 2*time.Second)
		defer cancel()
		early := errors.New("no such Pod")
		assert.Equal(t, early, InTime(ctx, early), "the time is not over")
		<-ctx.Done()
		require.NoError(t, InTime(ctx, nil))
		for name, err := range map[string]error{
			"of a request":      fmt.Errorf("list pods: %w", ctx.Err()),
			"of a rate limiter": errors.New("client rate limiter Wait returned an error"),
		} {
			got := InTime(ctx, err)
			require.ErrorIs(t, got, context.DeadlineExceeded, name)
			require.EqualError(t, got, "timed out after 2s: "+err.Error(), name)
		}
		named := fmt.Errorf("wait: %w", context.Cause(ctx))
		assert.Equal(t, named, InTime(ctx, named), "the limit is named once")
	})
}

func TestInTime_KeepsErrorsOfOtherContexts(t *testing.T) {
	err := errors.New("no")
	assert.Equal(t, err, InTime(t.Context(), err))
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	assert.Equal(t, err, InTime(ctx, err), "it is not a wait of the user")
}
