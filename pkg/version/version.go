// Package version returns the version of kubectl-pgbind.
package version

import "runtime/debug"

// value is set by the linker in a release.
var value string //nolint:gochecknoglobals // the linker can set nothing else

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
