package printers

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestChoose_ReturnsTheIndex(t *testing.T) {
	for answer, want := range map[string]int{"1\n": 0, " 2 \n": 1, "2": 1} { //nolint:gocritic // people type spaces
		streams, in, out, errOut := genericiooptions.NewTestIOStreams()
		in.WriteString(answer)
		i, err := Choose(t.Context(), streams, "namespace shop has 2 servers", []string{"service/a", "service/\x1b[2J"})
		require.NoError(t, err)
		assert.Equal(t, want, i)
		assert.Empty(t, out.String())
		assert.Equal(t, "namespace shop has 2 servers:\n  1  service/a\n  2  service/\ufffd[2J\nChoose one (1-2): ", errOut.String())
	}
	for _, answer := range []string{"", "0\n", "3\n", "a\n"} {
		streams, in, _, _ := genericiooptions.NewTestIOStreams()
		in.WriteString(answer)
		_, err := Choose(t.Context(), streams, "which", []string{"a", "b"})
		require.ErrorContains(t, err, "is not a number from 1 to 2", answer)
	}
}

func TestChoose_EndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	reader, writer := io.Pipe()
	defer func() { _ = writer.Close() }()
	streams := genericiooptions.NewTestIOStreamsDiscard()
	streams.In = reader
	_, err := Choose(ctx, streams, "which", []string{"a", "b"})
	require.ErrorIs(t, err, context.Canceled)
	assert.False(t, CanAsk(streams))
}

func TestNotify_IsNotQuiet(t *testing.T) {
	streams, _, _, errOut := genericiooptions.NewTestIOStreams()
	streams.ErrOut = &Console{Writer: errOut, Quiet: true}
	Notify(streams, "using service/\x1b[2J")
	assert.Equal(t, "using service/\ufffd[2J\n", errOut.String())
}
