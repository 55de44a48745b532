package main

// platform is the platform of one archive.
type platform struct{ os, arch string }

// platforms lists the platforms of a release.
func platforms() []platform {
	var all []platform
	for _, os := range []string{"darwin", "linux", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			all = append(all, platform{os, arch})
		}
	}
	return all
}

// archive returns the name of the platform's archive.
func (p platform) archive() string {
	extension := ".tar.gz"
	if p.os == "windows" {
		extension = ".zip"
	}
	return "kubectl-pgbind_" + p.os + "_" + p.arch + extension
}

// binary returns the name of the plugin on the platform.
func (p platform) binary() string {
	if p.os == "windows" {
		return "kubectl-pgbind.exe"
	}
	return "kubectl-pgbind"
}
