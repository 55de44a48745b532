package server

// bitnami is the Helm chart postgresql. Its labels are set at installation and do not name a cluster: a release can have several
// servers.
func bitnami() product {
	return product{
		name:      "bitnami",
		labels:    map[string]string{"app.kubernetes.io/name": "postgresql"},
		roles:     []string{"app.kubernetes.io/component"},
		primary:   []string{"primary"},
		container: "postgresql",
	}
}
