package fieldmanager_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fieldmanager"
)

func entry(manager, version, fields string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{
		Manager:    manager,
		Operation:  metav1.ManagedFieldsOperationUpdate,
		APIVersion: version,
		FieldsType: "FieldsV1",
		FieldsV1:   metav1.NewFieldsV1(fields),
	}
}

func TestTakeOver(t *testing.T) {
	const a, b, both = `{"f:a":{}}`, `{"f:b":{}}`, `{"f:a":{},"f:b":{}}`
	type entries = []metav1.ManagedFieldsEntry
	status := entry("ci", "v1", a)
	status.Subresource = "status"
	applied := entry("ci", "v1", a)
	applied.Operation = metav1.ManagedFieldsOperationApply
	for name, tt := range map[string]struct {
		manager  string
		from, to entries
	}{
		"renames":                  {"pgbind.dev", entries{entry("kubectl-pgbind", "v1", a), entry("helm", "v1", b)}, entries{entry("pgbind.dev", "v1", a), entry("helm", "v1", b)}},
		"merges with its own":      {"pgbind.dev", entries{entry("pgbind.dev", "v1", a), entry("kubectl-pgbind", "v1", b)}, entries{entry("pgbind.dev", "v1", both)}},
		"merges the other way":     {"pgbind.dev", entries{entry("kubectl-pgbind", "v1", b), entry("pgbind.dev", "v1", a)}, entries{entry("pgbind.dev", "v1", both)}},
		"keeps versions apart":     {"pgbind.dev", entries{entry("kubectl-pgbind", "v1", a), entry("pgbind.dev", "v2", b)}, entries{entry("pgbind.dev", "v1", a), entry("pgbind.dev", "v2", b)}},
		"to a chosen manager":      {"ci", entries{entry("kubectl-pgbind", "v1", a), entry("pgbind.dev", "v1", b)}, entries{entry("ci", "v1", both)}},
		"leaves others alone":      {"pgbind.dev", entries{entry("kubectl-edit", "v1", a), entry("pgbind.dev", "v1", b)}, nil},
		"leaves the chosen one":    {"kubectl-pgbind", entries{entry("kubectl-pgbind", "v1", a)}, nil},
		"no name, no change":       {"", entries{entry("kubectl-pgbind", "v1", a)}, nil},
		"an object without fields": {"pgbind.dev", nil, nil},
		"of an earlier bind":       {"pgbind.dev", entries{entry("ci", "v1", a), entry("helm", "v1", b)}, entries{entry("pgbind.dev", "v1", a), entry("helm", "v1", b)}},
		"not what it applied":      {"pgbind.dev", entries{applied, status}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, changed := fieldmanager.TakeOver(tt.from, tt.manager, "ci", "")
			assert.Equal(t, tt.to != nil, changed)
			if !changed {
				tt.to = tt.from
			}
			assert.Equal(t, tt.to, got)
		})
	}
}
