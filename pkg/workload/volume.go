package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// volumeForm adds a volume with the Secret and a read-only mount. It mounts the whole directory, because mounts of single files (subPath)
// do not follow changes of the Secret.
type volumeForm struct{}

func (f volumeForm) add(r Reference, t *corev1.PodTemplateSpec, c *corev1.Container) error {
	directory, err := r.mountPath(c)
	if err != nil {
		return err
	}
	if !path.IsAbs(directory) || strings.Contains(directory, ":") {
		return fmt.Errorf("invalid mount path %q: use an absolute path without a colon for --mount-path", directory)
	}
	name := volumeName(r.Secret)
	taken := func(m corev1.VolumeMount) bool {
		return m.Name != name && path.Clean(m.MountPath) == path.Clean(directory)
	}
	if slices.ContainsFunc(c.VolumeMounts, taken) {
		return &ConflictError{Container: c.Name, MountPath: directory}
	}
	if !slices.ContainsFunc(t.Spec.Volumes, isVolumeOf(r.Secret)) {
		t.Spec.Volumes = append(t.Spec.Volumes, corev1.Volume{
			Name: name, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: r.Secret}},
		})
	}
	if !f.mounted(r, c) {
		c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == name })
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, ReadOnly: true, MountPath: directory})
	}
	r.addRoot(t, c)
	return nil
}

func (f volumeForm) present(r Reference, t *corev1.PodTemplateSpec, c *corev1.Container) bool {
	return slices.ContainsFunc(t.Spec.Volumes, isVolumeOf(r.Secret)) && f.mounted(r, c)
}

// remove removes the mount from the container, and the volume if no other container mounts it.
func (volumeForm) remove(secret string, t *corev1.PodTemplateSpec, c *corev1.Container) bool {
	if !slices.ContainsFunc(t.Spec.Volumes, isVolumeOf(secret)) {
		return false
	}
	mount := func(m corev1.VolumeMount) bool { return m.Name == volumeName(secret) }
	c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, mount)
	removeRoot(t, c)
	stillMounted := func(c *corev1.Container) bool { return slices.ContainsFunc(c.VolumeMounts, mount) }
	if !slices.ContainsFunc(containers(&t.Spec), stillMounted) {
		t.Spec.Volumes = slices.DeleteFunc(t.Spec.Volumes, isVolumeOf(secret))
	}
	return true
}

// mounted reports whether the container mounts the volume at the mount path.
func (volumeForm) mounted(r Reference, c *corev1.Container) bool {
	directory, err := r.mountPath(c)
	return err == nil && slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool {
		return m.Name == volumeName(r.Secret) && m.MountPath == directory && m.ReadOnly
	})
}

// volumeName derives the name of the volume from the Secret's name. A volume's name cannot be longer than a label or contain dots. If the
// name has to change, it gets a hash, so that two Secrets never share a volume.
func volumeName(secret string) string {
	name := "pgbind-" + secret
	if len(validation.IsDNS1123Label(name)) == 0 {
		return name
	}
	sum := sha256.Sum256([]byte(secret))
	name = strings.ReplaceAll(name, ".", "-")
	const hashed = 8
	name = name[:min(len(name), validation.DNS1123LabelMaxLength-hashed-1)]
	return strings.TrimRight(name, "-") + "-" + hex.EncodeToString(sum[:])[:hashed]
}

// isVolumeOf returns a function that matches the volume that volumeForm adds for the Secret.
func isVolumeOf(secret string) func(corev1.Volume) bool {
	return func(v corev1.Volume) bool {
		return v.Name == volumeName(secret) && v.Secret != nil && v.Secret.SecretName == secret
	}
}
