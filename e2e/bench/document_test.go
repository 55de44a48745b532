package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/picture"
)

const docs = "../../docs"

// TestDocuments_AreThoseOfTheFigures fails if somebody changed the figures, the page or the picture alone.
func TestDocuments_AreThoseOfTheFigures(t *testing.T) {
	r, err := readReport(docs)
	require.NoError(t, err)
	documents, err := r.documents()
	require.NoError(t, err)
	for name, want := range documents {
		content, err := os.ReadFile(filepath.Join(docs, name)) //nolint:gosec // a document of the repository
		require.NoError(t, err)
		assert.True(t, bytes.Equal([]byte(want), content), "%s is not up to date: run go run ./e2e/bench -draw", name)
	}
}

func TestBars_HaveAScaleOfTheirOwn(t *testing.T) {
	for _, test := range []struct {
		row       row
		lengths   [2]float64
		direction string
	}{
		{row{What: "a bind", Figure: "300ms", Against: "the script: with a Pod: 1.2s"}, [2]float64{0.25, 1}, "shorter"},
		{row{What: "an apply", Figure: "20.0/s", Against: "the script: 5.0/s"}, [2]float64{1, 0.25}, "longer"},
	} {
		group, err := test.row.group()
		require.NoError(t, err)
		require.Len(t, group.Bars, 2)
		assert.Equal(t, test.row.What+" ("+test.direction+" is better)", group.Title)
		got := [2]float64{group.Bars[0].Length, group.Bars[1].Length}
		assert.Equal(t, test.lengths, got)
		assert.Equal(t, test.row.Figure, group.Bars[0].Value)
	}
	for _, bad := range []row{
		{Figure: "1s", Against: "nothing"}, {Figure: "1s", Against: "x: fast"}, {Figure: "x/s", Against: "x: 1/s"}, {Figure: "66 MB", Against: "x: 1s"},
	} {
		_, err := bad.group()
		assert.Error(t, err, bad)
	}
}

// TestBars_ShowEachComparison reads the picture back.
func TestBars_ShowEachComparison(t *testing.T) {
	r := &report{Rows: []row{{What: "list", Figure: "66 MB"}, {What: "bind", Figure: "1s", Against: "the script: 2s"}}}
	svg, err := r.bars()
	require.NoError(t, err)
	assert.Equal(t, "bind (shorter is better)\npgbind\n1s\nthe script\n2s\n", picture.Text(svg))
}
