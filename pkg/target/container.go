package target

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// DefaultPort is that of a server whose container names none.
const DefaultPort = 5432

const defaultContainerAnnotation = "kubectl.kubernetes.io/default-container"

// containerOf chooses the container of pod in which the server runs: the one that was asked for, else by annotation,
// by the product's name for it, as the only one, and as the only one that looks like PostgreSQL.
func containerOf(pod *corev1.Pod, p product, asked string) (*corev1.Container, error) {
	if asked != "" {
		if c := containerNamed(pod, asked); c != nil {
			return c, nil
		}
		return nil, fmt.Errorf("pod/%s has no container %q: it has %s", pod.Name, asked, containerNames(pod))
	}
	for _, name := range []string{pod.Annotations[defaultContainerAnnotation], p.container} {
		if c := containerNamed(pod, name); c != nil {
			return c, nil
		}
	}
	if len(pod.Spec.Containers) == 1 {
		return &pod.Spec.Containers[0], nil
	}
	for _, looks := range []func(corev1.Container) bool{hasPostgresPort, hasPostgresImage} {
		if first := slices.IndexFunc(pod.Spec.Containers, looks); first >= 0 && !slices.ContainsFunc(pod.Spec.Containers[first+1:], looks) {
			return &pod.Spec.Containers[first], nil
		}
	}
	return nil, fmt.Errorf("pod/%s has several containers, %s: choose one with --postgres-container", pod.Name, containerNames(pod))
}

func containerNamed(pod *corev1.Pod, name string) *corev1.Container {
	i := slices.IndexFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &pod.Spec.Containers[i]
}

func containerNames(pod *corev1.Pod) string {
	names := make([]string, 0, len(pod.Spec.Containers))
	for _, c := range pod.Spec.Containers {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// looksLikePostgres tells whether a server may run in pod.
func looksLikePostgres(pod *corev1.Pod) bool {
	return productOf(pod).name != "" ||
		slices.ContainsFunc(pod.Spec.Containers, hasPostgresPort) || slices.ContainsFunc(pod.Spec.Containers, hasPostgresImage)
}

func hasPostgresPort(c corev1.Container) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.ContainerPort == DefaultPort })
}

// hasPostgresImage goes by the last part of the image's name. What only speaks to servers often has it, too.
func hasPostgresImage(c corev1.Container) bool {
	name, _, _ := strings.Cut(path.Base(c.Image), "@")
	name, _, _ = strings.Cut(name, ":")
	in := func(part string) bool { return strings.Contains(name, part) }
	servers := []string{"postgres", "postgis", "spilo", "patroni", "timescale", "pgvector", "cnpg"}
	others := []string{"exporter", "bouncer", "pool", "admin", "backup", "operator", "app", "client"}
	return slices.ContainsFunc(servers, in) && !slices.ContainsFunc(others, in)
}

// isPostgresPortName knows how charts and operators name the port, and that an exporter's may be named after it.
func isPostgresPortName(name string) bool {
	if strings.Contains(name, "postgres") {
		return !strings.Contains(name, "metric") && !strings.Contains(name, "export")
	}
	return slices.Contains([]string{"pg", "pgsql", "psql", "pgport"}, name)
}

// serverPort is the port on which the server in c listens, and whether c says so itself.
func serverPort(c *corev1.Container) (port int32, known bool) {
	if port, err := strconv.ParseInt(literal(c, "PGPORT"), 10, 32); err == nil {
		return int32(port), true
	}
	if hasPostgresPort(*c) {
		return DefaultPort, true
	}
	for _, p := range c.Ports {
		if isPostgresPortName(p.Name) || len(c.Ports) == 1 {
			return p.ContainerPort, true
		}
	}
	return DefaultPort, false
}

// socketDir is where programs in c look for the server's socket; empty if c leaves it to their default.
func socketDir(c *corev1.Container) string {
	if host := literal(c, "PGHOST"); strings.HasPrefix(host, "/") {
		return host
	}
	return ""
}

// literal is the value that the Pod's manifest gives to a variable of c; empty if it comes from elsewhere.
func literal(c *corev1.Container, variable string) string {
	i := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == variable })
	if i < 0 {
		return ""
	}
	return c.Env[i].Value
}
