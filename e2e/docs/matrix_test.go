package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCompatibility_HasWhatTheTestsRun compares the support matrix with the versions that the Makefile, the workflow and the tools name, and
// with the built-in kinds of the code.
func TestCompatibility_HasWhatTheTestsRun(t *testing.T) {
	rows := map[string]string{}
	_, matrix, found := strings.Cut(contents(t, "docs/compatibility.md")["compatibility.md"], "\n## Support matrix\n")
	require.True(t, found)
	matrix, _, _ = strings.Cut(matrix, "\n## ")
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \| (.*) \|$`).FindAllStringSubmatch(matrix, -1) {
		rows[row[1]] = row[2]
	}
	workflow := contents(t, ".github/workflows/test.yaml")["test.yaml"]

	servers := regexp.MustCompile(`(?m)^PG_VERSIONS = (.*)$`).FindStringSubmatch(contents(t, "Makefile")["Makefile"])
	require.NotNil(t, servers)
	assert.Contains(t, rows["PostgreSQL"], sentence(strings.Fields(servers[1]))+": the SQL")
	all := regexp.MustCompile(`postgres: \[(.*)\]`).FindStringSubmatch(workflow)
	require.NotNil(t, all)
	numbers := strings.Split(all[1], ", ")
	assert.Contains(t, rows["PostgreSQL"], "written for "+numbers[0]+" to "+numbers[len(numbers)-1])

	node := regexp.MustCompile(
		`k8s.io/kubernetes v(1\.\d+)`,
	).FindStringSubmatch(
		contents(t, "e2e/cluster/tools/kubernetes/go.mod")["go.mod"],
	)
	require.NotNil(t, node)
	assert.True(t, strings.HasPrefix(rows["Kubernetes"], node[1]+","), rows["Kubernetes"])
	var minors []string
	for _, image := range regexp.MustCompile(`kindest/node:v(1\.\d+)`).FindAllStringSubmatch(workflow, -1) {
		minors = append(minors, image[1])
	}
	slices.Sort(minors)
	assert.Contains(t, rows["Kubernetes"], "written for "+sentence(minors))

	for _, version := range []string{"3", "4"} {
		module := contents(t, "e2e/tools/helm"+version+"/go.mod")["go.mod"]
		helm := regexp.MustCompile(`helm.sh/helm/v` + version + ` v(\S+)`).FindStringSubmatch(module)
		require.NotNil(t, helm)
		assert.Contains(t, rows["GitOps"], helm[1])
	}

	kinds := regexp.MustCompile(`gvk: +\w+\.WithKind\("(\w+)"\)`).
		FindAllStringSubmatch(contents(t, "pkg/workload/kind.go")["kind.go"], -1)
	require.Greater(t, len(kinds), 6)
	parts := slices.Collect(maps.Keys(rows))
	for _, kind := range kinds {
		listed := slices.ContainsFunc(parts, regexp.MustCompile(`\b`+kind[1]+`\b`).MatchString)
		assert.True(t, listed, "the matrix has a row for %s", kind[1])
	}
}

// sentence joins words as a sentence does.
func sentence(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
