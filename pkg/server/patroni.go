package server

// patroni is Patroni without an operator, with the labels of its own examples.
func patroni() product {
	return product{
		name:    "patroni",
		labels:  map[string]string{"cluster-name": "", "role": ""},
		cluster: "cluster-name",
		roles:   []string{"role"},
		primary: []string{"master", "primary"},
	}
}
