// Package version tells which version of kubectl-pgbind this is.
package version

import "runtime/debug"

// value is set by the linker for a release.
var value string //nolint:gochecknoglobals // the linker can set nothing else

// String returns the release's version, else what the Go toolchain recorded, else "unknown".
func String() string {
	if value != "" {
		return value
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
