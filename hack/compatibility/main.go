// Command compatibility prints docs/compatibility.md, which is made of the tables in internal/settings.
package main

import (
	"fmt"

	"github.com/cyan-cd/cyan/internal/settings"
)

func main() { fmt.Print(settings.Page()) }
