package parts

import (
	"net"
	"os"

	"github.com/cyan-cd/cyan/localcluster/internal/node"
)

// listenOutside returns what listens in this machine's network, which is handed over as a file where it is not this
// process's own.
func listenOutside(handed bool, file int) (func(address string) (net.Listener, error), error) {
	if !handed {
		return func(address string) (net.Listener, error) { return net.Listen("tcp4", address) }, nil
	}
	network := os.NewFile(uintptr(file), "network") //nolint:gosec // small
	defer network.Close()
	listen, err := node.ListenIn(network)
	if err != nil {
		return nil, err
	}
	return func(address string) (net.Listener, error) { return listen(address) }, nil
}
