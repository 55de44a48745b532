// Command nodeimage prints the name of the node image that this version of kind uses by default.
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/kind/pkg/apis/config/defaults"
)

func main() {
	_, _ = fmt.Fprintln(os.Stdout, defaults.Image)
}
