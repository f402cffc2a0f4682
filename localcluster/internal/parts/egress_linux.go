package parts

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/cyan-cd/cyan/localcluster/internal/egress"
)

// resolvConf is where this machine names its resolvers. It changes as laptops move.
const resolvConf = "/etc/resolv.conf"

// runEgress passes on what leaves the cluster's network, by the device that it was handed.
func runEgress() error {
	flags := flag.NewFlagSet(Egress, flag.ExitOnError)
	ready := flags.String("ready", "", "Unix socket that is there once packets are read")
	machine := flags.String("machine", "", "address that stands for this machine")
	resolver := flags.String("resolver", "", "address that stands for its resolvers")
	inside := flags.String("inside", "", "ranges of the cluster's own, with commas")
	_ = flags.Parse(os.Args[1:])
	network, err := readNetwork(*machine, *resolver, *inside)
	if err != nil {
		return err
	}
	syscall.CloseOnExec(firstFile)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	return egress.Run(ctx, egress.Config{
		Device: os.NewFile(firstFile, "device"), Network: network, Resolvers: func() []string { return egress.ResolversOf(resolvConf) },
		Ready: func() { sayReady(*ready) },
	})
}

func readNetwork(machine, resolver, inside string) (network egress.Network, err error) {
	if network.Host, err = netip.ParseAddr(machine); err != nil {
		return network, fmt.Errorf("--machine: %w", err)
	}
	if network.DNS, err = netip.ParseAddr(resolver); err != nil {
		return network, fmt.Errorf("--resolver: %w", err)
	}
	for _, text := range strings.Split(inside, ",") {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return network, fmt.Errorf("--inside: %w", err)
		}
		network.Inside = append(network.Inside, prefix)
	}
	return network, nil
}
