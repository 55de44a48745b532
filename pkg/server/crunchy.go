package server

// crunchy is the operator PGO of Crunchy Data, and its forks.
func crunchy() product {
	return product{
		name:      "crunchy",
		labels:    map[string]string{"postgres-operator.crunchydata.com/cluster": ""},
		cluster:   "postgres-operator.crunchydata.com/cluster",
		scope:     "postgres-operator.crunchydata.com/patroni",
		roles:     []string{"postgres-operator.crunchydata.com/role"},
		primary:   []string{"master", "primary"},
		container: "database",
	}
}
