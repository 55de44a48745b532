package keys

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Container is what Recognize reads of a container, with the data of the ConfigMaps and Secrets that it refers to, by name.
type Container struct {
	Env        []corev1.EnvVar
	EnvFrom    []corev1.EnvFromSource
	ConfigMaps map[string]map[string]string
	Secrets    map[string]map[string][]byte
}

// Origin says where a variable's value comes from.
type Origin string

// The origins of a value. OriginOther is a field of the Pod or a file.
const (
	OriginLiteral   Origin = "value"
	OriginConfigMap Origin = "configMapKeyRef"
	OriginSecret    Origin = "secretKeyRef"
	OriginEnvFrom   Origin = "envFrom"
	OriginOther     Origin = "other"
)

// setting is a variable of a container as its process gets it.
type setting struct {
	name, value string
	known       bool // the value is known
	origin      Origin
}

// settings returns the variables in the order of the container. As in the kubelet, the last one of a name wins, env wins over envFrom,
// and a literal can refer to variables before it. The second result names the objects of envFrom whose data is missing.
func (c Container) settings() (settings []setting, missing []string) {
	for _, source := range c.EnvFrom {
		data, object := c.dataOf(source)
		if data == nil {
			missing = append(missing, object)
		}
		for _, key := range sortedKeys(data) {
			settings = put(settings, setting{name: source.Prefix + key, value: data[key], known: true, origin: OriginEnvFrom})
		}
	}
	for _, e := range c.Env {
		settings = put(settings, c.setting(e, settings))
	}
	return settings, missing
}

func (c Container) dataOf(source corev1.EnvFromSource) (data map[string]string, object string) {
	if ref := source.ConfigMapRef; ref != nil {
		return c.ConfigMaps[ref.Name], "configmap/" + ref.Name
	}
	if ref := source.SecretRef; ref != nil {
		if secret, ok := c.Secrets[ref.Name]; ok {
			data = map[string]string{}
			for key, value := range secret {
				data[key] = string(value)
			}
		}
		return data, "secret/" + ref.Name
	}
	return map[string]string{}, ""
}

func (c Container) setting(e corev1.EnvVar, before []setting) setting {
	s := setting{name: e.Name, origin: OriginOther}
	from := e.ValueFrom
	switch {
	case from == nil:
		s.origin = OriginLiteral
		s.value, s.known = expand(e.Value, before)
	case from.SecretKeyRef != nil:
		s.origin = OriginSecret
		value, ok := c.Secrets[from.SecretKeyRef.Name][from.SecretKeyRef.Key]
		s.value, s.known = string(value), ok
	case from.ConfigMapKeyRef != nil:
		s.origin = OriginConfigMap
		s.value, s.known = c.ConfigMaps[from.ConfigMapKeyRef.Name][from.ConfigMapKeyRef.Key]
	}
	return s
}

// put adds a variable, or replaces the one of the same name.
func put(settings []setting, s setting) []setting {
	settings = slices.DeleteFunc(settings, func(other setting) bool { return other.name == s.name })
	return append(settings, s)
}

// expand replaces each $(NAME) in a literal. The value is unknown if a variable is, or if no variable has that name: it can be one that
// the kubelet adds for a Service. Two dollar signs are one.
func expand(text string, before []setting) (value string, known bool) {
	var expanded strings.Builder
	for {
		start := strings.IndexByte(text, '$')
		if start < 0 || start == len(text)-1 {
			expanded.WriteString(text)
			return expanded.String(), true
		}
		expanded.WriteString(text[:start])
		text = text[start+1:]
		end := strings.IndexByte(text, ')')
		switch {
		case text[0] == '$':
			expanded.WriteByte('$')
			text = text[1:]
		case text[0] != '(' || end < 0:
			expanded.WriteByte('$')
		default:
			i := slices.IndexFunc(before, func(s setting) bool { return s.name == text[1:end] })
			if i < 0 || !before[i].known {
				return "", false
			}
			expanded.WriteString(before[i].value)
			text = text[end+1:]
		}
	}
}

func sortedKeys(data map[string]string) []string {
	keys := make([]string, 0, len(data))
	for key := range data {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
