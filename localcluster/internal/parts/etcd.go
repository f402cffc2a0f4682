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

// runEtcd serves one member on a Unix socket, for the API server alone. Only its user can open the directory of the
// socket.
func runEtcd() error {
	flags := flag.NewFlagSet(Etcd, flag.ExitOnError)
	data := flags.String("data-dir", "", "directory of the database")
	socket := flags.String("socket", "", "Unix socket to serve on")
	_ = flags.Parse(os.Args[1:])

	_ = os.Remove(*socket) // that of a process that was killed is still there
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
	config := embed.NewConfig()
	config.Name = "cyan"
	config.Dir = data
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	// The only member has no peers, and whoever reaches its peer listener can write everything: there is none. (For a
	// unix URL without a host, etcd would listen on an abstract socket, which any user can reach.) The member still has
	// to advertise an address, the same whenever it starts; nothing listens there.
	advertised := url.URL{Scheme: "http", Host: "localhost:2380"}
	config.ListenPeerUrls, config.AdvertisePeerUrls = nil, []url.URL{advertised}
	config.InitialCluster = config.Name + "=" + advertised.String()
	config.LogLevel = "warn"
	config.LogOutputs = []string{"stderr"}
	// A single member elects itself: it need not wait for others.
	config.TickMs, config.ElectionMs = 50, 250
	config.SnapshotCount = 5000
	config.QuotaBackendBytes = 4 << 30
	return config
}
