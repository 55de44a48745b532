package target

// bitnami is the Helm chart postgresql. Its labels are fixed when it is installed and name no cluster: the release may
// have several.
func bitnami() product {
	return product{
		name:      "bitnami",
		labels:    map[string]string{"app.kubernetes.io/name": "postgresql"},
		roles:     []string{"app.kubernetes.io/component"},
		primary:   []string{"primary"},
		container: "postgresql",
	}
}
