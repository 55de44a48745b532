package server

// cloudNativePG is the operator cloudnative-pg.io. Releases before 1.18 set only the label role.
func cloudNativePG() product {
	return product{
		name:      "cloudnativepg",
		labels:    map[string]string{"cnpg.io/cluster": ""},
		cluster:   "cnpg.io/cluster",
		roles:     []string{"cnpg.io/instanceRole", "role"},
		primary:   []string{"primary"},
		container: "postgres",
	}
}
