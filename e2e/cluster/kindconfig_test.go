package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRenderKindConfig(t *testing.T) {
	for name, tc := range map[string]struct {
		values   kindValues
		contains []string
		without  []string
	}{
		"built node on cgroup v1": {
			values:   kindValues{Image: "node:x", Built: true, AuditPolicy: "/p", AuditLog: "/l", CgroupV1: true},
			contains: []string{"disableDefaultCNI: true", "image: node:x", "hostPath: /p,", "audit-log-path: /l", "failCgroupV1: false"},
		},
		"official node on cgroup v2": {
			values:   kindValues{Image: "node:y", AuditPolicy: "/p", AuditLog: "/l"},
			contains: []string{"disableDefaultCNI: false", `kube-api-qps: "300"`},
			without:  []string{"failCgroupV1", "apiVersion: kubeadm"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := renderKindConfig(tc.values)
			require.NoError(t, err)
			for _, text := range tc.contains {
				assert.Contains(t, config, text)
			}
			for _, text := range tc.without {
				assert.NotContains(t, config, text)
			}
		})
	}
}
