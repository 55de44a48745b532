// Command pause holds a Pod's namespaces open and does nothing else; it is the sandbox image of a cluster without a registry.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	<-end
}
