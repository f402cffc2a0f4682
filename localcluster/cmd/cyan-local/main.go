// Command cyan-local is a Kubernetes cluster in one program: each of its parts, by the name it is called by, and the
// commands that bring them up together.
package main

import (
	"os"

	"github.com/cyan-cd/cyan/localcluster/internal/cli"
	"github.com/cyan-cd/cyan/localcluster/internal/parts"
)

func main() {
	parts.Run()
	os.Exit(cli.Run())
}
