//go:build e2e && patroni

package e2e

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	crunchyCluster = "postgres-operator.crunchydata.com/cluster"
	crunchyRole    = "postgres-operator.crunchydata.com/role"
	crunchyPatroni = "postgres-operator.crunchydata.com/patroni"
)

// patroniLayout is how an operator or a chart lays out a Patroni cluster: its labels, its Services, and what Patroni keeps its state in.
type patroniLayout struct {
	name       string // of the StatefulSet
	major      string // of PostgreSQL; 15 comes with Patroni 3.0, and 17 with Patroni 4.0
	scope      string // Patroni's name of the cluster
	scopeLabel string
	roleLabel  string
	labels     map[string]string // of all Pods, in addition to the two above
	endpoints  bool              // Patroni's state is in Endpoints, and otherwise in ConfigMaps
	sync       bool              // synchronous replication
	leader     string            // the Service of the primary, as the how-to names it
	database   string
	document   string // the how-to; empty: none
	container  string
	socketDir  string // empty: the default
	root       bool   // the container starts as root
	services   []*corev1.Service
	fronted    bool // HAProxy and PgBouncer are tried in front of it
	checks     int  // how often check must give the same answer
}

func patroniLayouts() []patroniLayout {
	return []patroniLayout{zalandoLayout(), crunchyLayout(), plainLayout()}
}

// zalandoLayout is that of Zalando's postgres-operator: Patroni sets the endpoints of a Service without a selector.
func zalandoLayout() patroniLayout {
	labels := func(role string) map[string]string {
		return map[string]string{"application": "spilo", "cluster-name": "acid-shop", "spilo-role": role}
	}
	return patroniLayout{
		name:       "acid-shop",
		major:      "15",
		scope:      "acid-shop",
		scopeLabel: "cluster-name",
		roleLabel:  "spilo-role",
		endpoints:  true,
		checks:     4,
		labels:     map[string]string{"application": "spilo"},
		leader:     "acid-shop",
		database:   "shop",
		document:   "zalando.md",
		container:  "postgres",
		root:       true,
		services: []*corev1.Service{
			postgresService("acid-shop", labels("master"), nil, ""),
			postgresService("acid-shop-repl", labels("replica"), labels("replica"), ""),
		},
	}
}

// crunchyLayout is that of Crunchy PGO: the Service of the primary is headless and leads to the address of another
// Service, whose endpoints Patroni sets.
func crunchyLayout() patroniLayout {
	labels := func(role string) map[string]string {
		return map[string]string{crunchyCluster: "hippo", crunchyRole: role}
	}
	return patroniLayout{
		name:       "hippo-instance1",
		major:      "15",
		scope:      "hippo-ha",
		scopeLabel: crunchyPatroni,
		roleLabel:  crunchyRole,
		endpoints:  true,
		sync:       true,
		checks:     4,
		labels:     map[string]string{crunchyCluster: "hippo"},
		leader:     "hippo-primary",
		database:   "hippo",
		document:   "crunchy.md",
		container:  "database",
		socketDir:  "/tmp/postgres",
		services: []*corev1.Service{
			postgresService("hippo-ha", map[string]string{crunchyCluster: "hippo", crunchyPatroni: "hippo-ha"}, nil, ""),
			postgresService("hippo-primary", labels("primary"), nil, corev1.ClusterIPNone),
			postgresService("hippo-replicas", labels("replica"), labels("replica"), ""),
			postgresService(
				"hippo-pods", map[string]string{crunchyCluster: "hippo"}, map[string]string{crunchyCluster: "hippo"},
				corev1.ClusterIPNone,
			),
		},
	}
}

// plainLayout is that of Patroni's own examples with ConfigMaps: the Service of the primary selects its label.
func plainLayout() patroniLayout {
	labels := func(role string) map[string]string {
		return map[string]string{"application": "patroni", "cluster-name": "pg", "role": role}
	}
	all := map[string]string{"application": "patroni", "cluster-name": "pg"}
	return patroniLayout{
		name:       "pg",
		major:      "17",
		scope:      "pg",
		scopeLabel: "cluster-name",
		roleLabel:  "role",
		labels:     map[string]string{"application": "patroni"},
		checks:     40,
		fronted:    true,
		leader:     "pg-primary",
		database:   "shop",
		container:  "patroni",
		services: []*corev1.Service{
			postgresService("pg-primary", labels("primary"), labels("primary"), ""),
			postgresService("pg-replica", labels("replica"), labels("replica"), ""),
			postgresService("pg", all, all, corev1.ClusterIPNone),
		},
	}
}

func postgresService(name string, labels, selector map[string]string, clusterIP string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: corev1.ServiceSpec{
			Selector:  selector,
			ClusterIP: clusterIP,
			Ports:     []corev1.ServicePort{{Name: "postgresql", Port: 5432, TargetPort: intstr.FromInt32(5432)}},
		},
	}
}
