package parts

import (
	"flag"
	"fmt"
	"net"
	"os"

	"github.com/cyan-cd/cyan/localcluster/internal/config"
	"github.com/cyan-cd/cyan/localcluster/internal/registry"
)

// firstFile is the first file descriptor that a part is handed: 3 is the pipe to its supervisor.
const firstFile = 4

// runRegistry serves images on the listeners that it was handed.
func runRegistry() error {
	flags := flag.NewFlagSet(Registry, flag.ExitOnError)
	root := flags.String("root", "", "directory of the images")
	settings := flags.String("settings", "", "file with mirrors and accounts of other registries")
	password := flags.String("password-file", "", "file with the password of its only account")
	count := flags.Int("listeners", 1, "how many listeners are handed over")
	_ = flags.Parse(os.Args[1:])

	account, err := registry.OpenAccount(*password)
	if err != nil {
		return err
	}
	others, err := config.LoadFile(*settings)
	if err != nil {
		return err
	}
	var listeners []net.Listener
	for i := range *count {
		file := os.NewFile(uintptr(firstFile+i), "listener")
		listener, err := net.FileListener(file)
		if err != nil {
			return fmt.Errorf("taking over a listener: %w", err)
		}
		_ = file.Close()
		listeners = append(listeners, listener)
	}
	return registry.Serve(*root, account, others, listeners)
}
