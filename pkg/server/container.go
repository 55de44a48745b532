package server

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// DefaultPort is the port of a server whose container declares none.
const DefaultPort = 5432

const defaultContainerAnnotation = "kubectl.kubernetes.io/default-container"

// containerOf returns the container of pod that runs the server: the one in asked, or else by annotation, by the product's name for
// it, as the only container, as the only one that looks like PostgreSQL, or as the only one that is not a sidecar.
func containerOf(pod *corev1.Pod, p product, asked string) (*corev1.Container, error) {
	if asked != "" {
		if c := containerNamed(pod, asked); c != nil {
			return c, nil
		}
		return nil, fmt.Errorf("pod/%s has no container %q: use one of %s", pod.Name, asked, containerNames(pod))
	}
	for _, name := range []string{pod.Annotations[defaultContainerAnnotation], p.container} {
		if c := containerNamed(pod, name); c != nil {
			return c, nil
		}
	}
	all := containersOf(pod)
	if len(all) == 1 {
		return &all[0], nil
	}
	for _, looks := range []func(corev1.Container) bool{hasPostgresPort, hasPostgresImage} {
		if first := slices.IndexFunc(all, looks); first >= 0 && !slices.ContainsFunc(all[first+1:], looks) {
			return &all[first], nil
		}
	}
	if len(pod.Spec.Containers) == 1 {
		return &all[0], nil
	}
	return nil, fmt.Errorf("pod/%s has several containers (%s): choose one with --postgres-container", pod.Name, containerNames(pod))
}

// containersOf returns the containers of pod that run as long as it does: the ones of its main task, then its native sidecars.
func containersOf(pod *corev1.Pod) []corev1.Container {
	return append(
		slices.Clone(pod.Spec.Containers),
		slices.DeleteFunc(slices.Clone(pod.Spec.InitContainers), func(c corev1.Container) bool {
			return c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways
		})...)
}

func containerNamed(pod *corev1.Pod, name string) *corev1.Container {
	all := containersOf(pod)
	i := slices.IndexFunc(all, func(c corev1.Container) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &all[i]
}

func containerNames(pod *corev1.Pod) string {
	var names []string
	for _, c := range containersOf(pod) {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// looksLikePostgres reports whether pod may run a server.
func looksLikePostgres(pod *corev1.Pod) bool {
	all := containersOf(pod)
	return productOf(pod).name != "" || slices.ContainsFunc(all, hasPostgresPort) || slices.ContainsFunc(all, startsServer)
}

// startsServer reports whether c has the image of a server and starts the server of it. People also use such images for psql, with a command
// of their own.
func startsServer(c corev1.Container) bool {
	if !hasPostgresImage(c) {
		return false
	}
	words := slices.Concat(c.Command, c.Args)
	if len(words) == 0 || strings.HasPrefix(words[0], "-") {
		return true
	}
	return slices.ContainsFunc(words, func(word string) bool {
		for _, part := range []string{"postgres", "entrypoint", "patroni", "pg_ctl"} {
			if strings.Contains(word, part) {
				return true
			}
		}
		return false
	})
}

func hasPostgresPort(c corev1.Container) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.ContainerPort == DefaultPort })
}

// hasPostgresImage checks the last part of the image's name. Images of clients often have the same name.
func hasPostgresImage(c corev1.Container) bool {
	name, _, _ := strings.Cut(path.Base(c.Image), "@")
	name, _, _ = strings.Cut(name, ":")
	in := func(part string) bool { return strings.Contains(name, part) }
	servers := []string{"postgres", "postgis", "spilo", "patroni", "timescale", "pgvector", "cnpg"}
	others := []string{"exporter", "bouncer", "pool", "admin", "backup", "operator", "app", "client"}
	return slices.ContainsFunc(servers, in) && !slices.ContainsFunc(others, in)
}

// isPostgresPortName recognizes the port names of charts and operators. An exporter's port can have a similar name.
func isPostgresPortName(name string) bool {
	if strings.Contains(name, "postgres") {
		return !strings.Contains(name, "metric") && !strings.Contains(name, "export")
	}
	return slices.Contains([]string{"pg", "pgsql", "psql", "pgport"}, name)
}

// serverPort returns the port of the server in c; known is false if c does not declare it.
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

// socketDir returns the directory in which programs in c look for the server's socket; empty means their default.
func socketDir(c *corev1.Container) string {
	if host := literal(c, "PGHOST"); strings.HasPrefix(host, "/") {
		return host
	}
	return ""
}

// literal returns the value of a variable of c in the Pod's manifest; empty if it comes from elsewhere.
func literal(c *corev1.Container, variable string) string {
	i := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == variable })
	if i < 0 {
		return ""
	}
	return c.Env[i].Value
}
