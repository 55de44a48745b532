package rollback

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// messages records what a roll-back reports.
type messages []string

func (m *messages) Step(format string, args ...any) { *m = append(*m, fmt.Sprintf(format, args...)) }
func (m *messages) Warn(format string, args ...any) {
	*m = append(*m, "warning: "+fmt.Sprintf(format, args...))
}

func TestStack_RunsInReverseOrderAfterTheEndOfTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var reported messages
	stack := Stack{Report: &reported}
	push := func(what string, done bool, err error) {
		stack.Push(Step{What: what, How: "delete " + what, Do: func(ctx context.Context) (bool, error) {
			assert.NoError(t, ctx.Err())
			return done, err
		}})
	}
	push("role a", true, nil)
	push("role b", false, nil)
	push("secret/a", false, errors.New("forbidden"))
	cause := errors.New("interrupted")
	assert.Equal(t, cause, stack.Run(ctx, cause))
	assert.Equal(
		t,
		messages{"warning: secret/a could not be rolled back (forbidden): run: delete secret/a", "role a rolled back"},
		reported,
	)
}

func TestStack_NamesItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reported messages
		stack := Stack{Report: &reported, Limit: 20 * time.Second}
		stack.Push(Step{What: "role a", How: "drop a", Do: func(ctx context.Context) (bool, error) {
			<-ctx.Done()
			return false, fmt.Errorf("drop a: %w", ctx.Err())
		}})
		_ = stack.Run(t.Context(), nil)
		assert.Equal(t, messages{"warning: role a was not rolled back within 20s: run: drop a"}, reported)
	})
}
