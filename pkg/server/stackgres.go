package server

// stackGres is the operator of OnGres.
func stackGres() product {
	return product{
		name:      "stackgres",
		labels:    map[string]string{"app": "StackGresCluster", "stackgres.io/cluster-name": ""},
		cluster:   "stackgres.io/cluster-name",
		roles:     []string{"role"},
		primary:   []string{"master", "primary"},
		container: "patroni",
	}
}
