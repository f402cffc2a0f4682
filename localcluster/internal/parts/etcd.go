package parts

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

// runEtcd serves one member on a Unix socket, for the API server alone.
func runEtcd() error {
	flags := flag.NewFlagSet(Etcd, flag.ExitOnError)
	data := flags.String("data-dir", "", "directory of the database")
	socket := flags.String("socket", "", "Unix socket to serve on")
	_ = flags.Parse(os.Args[1:])

	// The sockets of a process that was killed are still there.
	for _, file := range []string{*socket, *socket + ".peer"} {
		_ = os.Remove(file)
	}
	server, err := embed.StartEtcd(etcdConfig(*data, *socket))
	if err != nil {
		return fmt.Errorf("starting the database: %w", err)
	}
	defer server.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	select {
	case <-stop:
		return nil
	case err := <-server.Err():
		return fmt.Errorf("serving the database: %w", err)
	}
}

func etcdConfig(data, socket string) *embed.Config {
	client := url.URL{Scheme: "unix", Path: socket}
	peer := url.URL{Scheme: "unix", Path: socket + ".peer"}
	config := embed.NewConfig()
	config.Name = "cyan"
	config.Dir = data
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	// Nobody is ever reached at the address of the only member, and it has to stay the same when the directory's socket moves.
	advertised := url.URL{Scheme: "http", Host: "localhost:2380"}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{advertised}
	config.InitialCluster = config.Name + "=" + advertised.String()
	config.LogLevel = "warn"
	config.LogOutputs = []string{"stderr"}
	// A single member elects itself: it need not wait for others.
	config.TickMs, config.ElectionMs = 50, 250
	config.SnapshotCount = 5000
	config.QuotaBackendBytes = 4 << 30
	return config
}
