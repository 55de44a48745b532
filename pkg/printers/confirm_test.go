package printers

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestProposal_IsPrintedAndAsked(t *testing.T) {
	for name, test := range map[string]struct {
		proposal    Proposal
		agreed      bool
		out, errOut string
		err         string
	}{
		"no terminal": {Proposal{}, false, "", table, "refusing to prune without confirmation: pass --yes, or run the command in a terminal"},
		"--yes":       {Proposal{Yes: true}, true, "", table, ""},
		"a dry run":   {Proposal{DryRun: true}, false, table, "", ""},
		"both":        {Proposal{DryRun: true, Yes: true}, false, table, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			streams, in, out, errOut := genericiooptions.NewTestIOStreams()
			in.WriteString("y\n")
			test.proposal.Verb, test.proposal.Question, test.proposal.Table = "prune", "Remove these 3?", states()
			agreed, err := test.proposal.Confirm(t.Context(), streams)
			assert.Equal(t, test.agreed, agreed)
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, test.err)
			}
			assert.Equal(t, test.out, out.String())
			assert.Equal(t, test.errOut, errOut.String())
		})
	}
}

const table = "WORKLOAD         STATE\ndeployment/wéb   Bound\njob/x            NoSecret\njob/y            Unknown\n"

func TestProposal_FollowsTheAnswer(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "yes\n": true, "n\n": false, "\n": false} {
		var agreed bool
		var err error
		shown := onTerminalThatAnswers(t, answer, func(streams genericiooptions.IOStreams) {
			proposal := Proposal{Verb: "unbind", Question: "Remove these 3?", Table: states()}
			agreed, err = proposal.Confirm(t.Context(), streams)
		})
		assert.Equal(t, want, agreed, answer)
		assert.Contains(t, shown, table+"Remove these 3? (y/n): ", answer)
		if !want {
			require.EqualError(t, err, "nothing was changed, because you did not confirm with y or yes", answer)
		}
	}
}

// onTerminalThatAnswers is onTerminal with a person who types.
func onTerminalThatAnswers(t *testing.T, answer string, draw func(streams genericiooptions.IOStreams)) string {
	t.Helper()
	return withTerminal(t, func(terminal io.Writer) {
		_, err := io.WriteString(terminal, answer)
		require.NoError(t, err)
	}, draw)
}
