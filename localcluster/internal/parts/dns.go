package parts

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"

	_ "github.com/coredns/coredns/plugin/bind"        // on the node's address only
	_ "github.com/coredns/coredns/plugin/cache"       // answers that were given
	_ "github.com/coredns/coredns/plugin/errors"      // to the log
	_ "github.com/coredns/coredns/plugin/forward"     // names outside the cluster
	_ "github.com/coredns/coredns/plugin/hosts"       // the names of this machine
	_ "github.com/coredns/coredns/plugin/kubernetes"  // the names of Services and pods
	_ "github.com/coredns/coredns/plugin/loadbalance" // turns the order of addresses
	_ "github.com/coredns/coredns/plugin/ready"       // tells when the names are known
	_ "github.com/coredns/coredns/plugin/template"    // what is to be said of all other names
)

func init() { mains[DNS] = runDNS }

func runDNS() error {
	flags := flag.NewFlagSet(DNS, flag.ExitOnError)
	conf := flags.String("conf", "", "the Corefile")
	_ = flags.Parse(os.Args[1:])
	corefile, err := os.ReadFile(*conf)
	if err != nil {
		return fmt.Errorf("reading the Corefile: %w", err)
	}
	if err := dnsserver.Register(); err != nil {
		return fmt.Errorf("starting the DNS server: %w", err)
	}
	caddy.Quiet, dnsserver.Quiet = true, true
	caddy.AppName = DNS
	instance, err := caddy.Start(caddy.CaddyfileInput{Contents: corefile, Filepath: *conf, ServerTypeName: "dns"})
	if err != nil {
		return fmt.Errorf("starting the DNS server: %w", err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	<-stop
	return instance.Stop()
}
