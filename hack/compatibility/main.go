// Command compatibility prints docs/compatibility.md, which is made of the tables in internal/settings and
// internal/skaffold.
package main

import (
	"fmt"

	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

func main() { fmt.Print(settings.Page() + skaffold.Page()) }
