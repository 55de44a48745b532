package audit

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReport_Candidates(t *testing.T) {
	access := func(workload, role, database string, sessions int) Access {
		return Access{
			Server: "data/statefulset/pg", Source: FromWorkload, Namespace: "shop", Workload: workload, Role: role, Database: database,
			Sessions: sessions, Superuser: role == "postgres",
		}
	}
	elsewhere, pooler, behind := access("deployment/far", "web", "shop", 1), access("deployment/pooler", "postgres", "shop", 1),
		access("deployment/behind", "", "shop", 0)
	elsewhere.Namespace, pooler.Source = "other", FromPooler
	report := &Report{
		Servers: []Server{{Name: "data/statefulset/pg", Roles: []Role{{Name: "pgb_abc_1", Bound: true}, {Name: "web"}}}},
		Accesses: []Access{
			access("deployment/forgejo", "postgres", "postgres", 9), access("deployment/forgejo", "postgres", "forgejo", 2),
			access("deployment/web", "web", "shop", 1), access("cronjob/report", "web", "shop", 0), elsewhere, pooler, behind,
			access("deployment/bound", "pgb_abc_1", "shop", 1), access("deployment/copied", "pgb_abc_1", "shop", 1),
			access("deployment/alone", "own", "shop", 1),
		},
	}
	assert.Equal(t, []Candidate{
		{"cronjob/report", "data/statefulset/pg", "shop"}, {"deployment/forgejo", "data/statefulset/pg", "forgejo"},
		{"deployment/web", "data/statefulset/pg", "shop"},
	}, report.Candidates("shop"))
	assert.Equal(t, []Candidate{{"deployment/far", "data/statefulset/pg", "shop"}}, report.Candidates("other"))
	assert.Empty(t, report.Candidates("none"))
}
