package server

// zalando is the postgres-operator of Zalando, with the image Spilo.
func zalando() product {
	return product{
		name:      "zalando",
		labels:    map[string]string{"application": "spilo"},
		cluster:   "cluster-name",
		roles:     []string{"spilo-role"},
		primary:   []string{"master", "primary"},
		container: "postgres",
	}
}
