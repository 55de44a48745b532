package cmd

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestColumnsPrinter_PrintsColumns(t *testing.T) {
	t.Parallel()
	list := &unstructured.UnstructuredList{Items: []unstructured.Unstructured{
		{Object: map[string]any{"spec": map[string]any{"database": "shop", "schemas": []any{"a", "b"}}}},
		{Object: map[string]any{"spec": map[string]any{"database": "\x1b[2J", "port": int64(5432)}}},
	}}
	for spec, want := range map[string]string{
		"DB:.spec.database":                       "DB\nshop\n\ufffd[2J\n",
		"DB:spec.database,Port:{.spec.port}":      "DB     Port\nshop   <none>\n\ufffd[2J   5432\n",
		"SCHEMAS:.spec.schemas[*]":                "SCHEMAS\na,b\n<none>\n",
		"FIRST:.spec.schemas[0],X:.status.y[*].z": "FIRST    X\na        <none>\n<none>   <none>\n",
	} {
		printer, err := newColumnsPrinter(spec, false)
		require.NoError(t, err, spec)
		text := &strings.Builder{}
		require.NoError(t, printer.PrintObj(list, text), spec)
		assert.Equal(t, want, text.String(), spec)
	}
	printer, err := newColumnsPrinter("DB:.spec.database", true)
	require.NoError(t, err)
	text := &strings.Builder{}
	require.NoError(t, printer.PrintObj(list, text))
	assert.NotContains(t, text.String(), "DB")
	for _, spec := range []string{"", "DB", "DB:", ":.spec", "DB:.spec[", "DB:.spec,"} {
		_, err := newColumnsPrinter(spec, false)
		assert.Error(t, err, spec)
	}
}
