package audit

import (
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// template is what the containers of a workload say about the databases that they use. It holds no value of a Secret and no password.
type template struct {
	workload workloadRef
	secrets  []types.NamespacedName // of which the containers get values that can be a login
	hosts    []host
	users    []string
}

// host is a host name in the value of a variable.
type host struct {
	name string
	sure bool // the variable is one for a host or an address, so that a short name is one as well
}

// templateOf reads the literal values of variables, and the names of Secrets.
func templateOf(w workloadRef, spec *corev1.PodSpec) template {
	t, secrets := template{workload: w}, map[string]bool{}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, from := range c.EnvFrom {
			if from.SecretRef != nil {
				secrets[from.SecretRef.Name] = true
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom == nil {
				t.literal(e.Name, e.Value)
			} else if ref := e.ValueFrom.SecretKeyRef; ref != nil && (meansLogin(e.Name) || meansLogin(ref.Key)) {
				secrets[ref.Name] = true
			}
		}
	}
	for _, v := range spec.Volumes {
		if v.Secret != nil && meansLogin(v.Secret.SecretName) {
			secrets[v.Secret.SecretName] = true
		}
		if v.Projected != nil {
			for _, source := range v.Projected.Sources {
				if source.Secret != nil && meansLogin(source.Secret.Name) {
					secrets[source.Secret.Name] = true
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		t.secrets = append(t.secrets, types.NamespacedName{Namespace: w.namespace, Name: name})
	}
	return t
}

// meansLogin reports whether a variable, a key or a Secret of this name can hold a login of a database. A Secret with
// certificates or a token of another service that several workloads share says nothing about their roles.
func meansLogin(name string) bool {
	return regexp.MustCompile(
		`(?i)pass|pwd|user|login|cred|url|uri|dsn|conn|database|postgres|pgsql|(^|[^a-z])(pg|db|sql)`,
	).MatchString(name)
}

// literal takes hosts and users from a variable whose value is in the manifest.
func (t *template) literal(name, value string) {
	if login, ok := parseURL(value); ok {
		for _, h := range login.hosts {
			t.hosts = append(t.hosts, host{h, true})
		}
		t.addUser(login.user)
		return
	}
	words := map[string]string{}
	for _, pair := range regexp.MustCompile(`(?i)\b(host|user|user id|username|server)\s*=\s*([^\s;]+)`).FindAllStringSubmatch(value, -1) {
		words[strings.ToLower(pair[1])] = strings.Trim(pair[2], `'"`)
	}
	if h := words["host"] + words["server"]; h != "" {
		t.hosts = append(t.hosts, host{h, true})
		t.addUser(words["user"] + words["username"] + words["user id"])
		return
	}
	upper := strings.ToUpper(name)
	means := func(word string) bool { return strings.Contains(upper, word) }
	if slices.ContainsFunc([]string{"USER", "LOGIN", "ROLE"}, means) {
		t.addUser(value)
	}
	for part := range strings.SplitSeq(value, ",") {
		if h, _, err := net.SplitHostPort(part); err == nil {
			part = h
		}
		t.hosts = append(t.hosts, host{part, slices.ContainsFunc([]string{"HOST", "SERVER", "ADDR", "ENDPOINT"}, means)})
	}
}

func (t *template) addUser(name string) {
	if name != "" {
		t.users = append(t.users, name)
	}
}

// login is who and where a connection string names. The password stays in memory, to be compared.
type login struct {
	hosts          []string
	user, password string
}

// parseURL parses a connection string in the form of a URL, also that of JDBC.
func parseURL(text string) (l login, ok bool) {
	parsed, err := url.Parse(strings.TrimPrefix(strings.TrimSpace(text), "jdbc:"))
	if err != nil || !strings.HasPrefix(parsed.Scheme, "postgres") {
		return login{}, false
	}
	for part := range strings.SplitSeq(parsed.Host, ",") {
		h, _, err := net.SplitHostPort(part)
		if err != nil {
			h = part
		}
		l.hosts = append(l.hosts, h)
	}
	query := parsed.Query()
	l.user, l.password = query.Get("user"), query.Get("password")
	if parsed.User != nil {
		l.user = parsed.User.Username()
		l.password, _ = parsed.User.Password()
	}
	return l, true
}

// serviceNames are the names of Services, by namespace.
type serviceNames map[string][]string

// match reports whether a host, as a Pod of the namespace resolves it, is one of the Services, or a Pod behind one.
func (s serviceNames) match(h host, namespace string) bool {
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(h.name, ".")), ".")
	for in, names := range s {
		for _, name := range names {
			switch {
			case len(labels) == 1:
				if h.sure && in == namespace && labels[0] == name {
					return true
				}
			case labels[0] == name && labels[1] == in:
				return true
			case len(labels) > 2 && labels[1] == name && labels[2] == in: // the name of a Pod before it
				return true
			}
		}
	}
	return false
}
