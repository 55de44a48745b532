// Package version returns the version of kubectl-pgbind.
package version

import "runtime/debug"

// The linker sets these in a release.
var value, commit string //nolint:gochecknoglobals // the linker can set nothing else

// String returns the version of the release, else the version that the Go toolchain recorded, else "unknown".
func String() string {
	if value != "" {
		return value
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// Commit returns the commit of the release, else the one that the Go toolchain recorded, with -dirty if files were changed. It is empty
// if the program was built outside of a repository.
func Commit() string {
	if commit != "" {
		return commit
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return commitOf(info.Settings)
}

func commitOf(settings []debug.BuildSetting) (revision string) {
	suffix := ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			suffix = "-dirty"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + suffix
}

// Module returns the version of a module that the program contains, or an empty string.
func Module(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return versionOf(path, info.Deps)
}

func versionOf(path string, modules []*debug.Module) string {
	for _, module := range modules {
		if module.Path == path {
			return module.Version
		}
	}
	return ""
}
