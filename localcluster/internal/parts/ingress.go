package parts

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/cyan-cd/cyan/localcluster/internal/ingress"
	"github.com/cyan-cd/cyan/localcluster/internal/pki"
	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// runIngress serves Ingresses and Gateways on the listeners that it was handed.
func runIngress() error {
	flags := flag.NewFlagSet(Ingress, flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server")
	directory := flags.String("pki", "", "directory of the authority")
	authority := flags.String("authority", "", "name of the authority that signs for local hosts")
	ready := flags.String("ready", "", "Unix socket that is there once everything is served")
	port := flags.Int("port", 0, "port of the first listener")
	http := flags.Bool("http", false, "a listener for port 80 is handed over")
	https := flags.Bool("https", false, "a listener for port 443 is handed over")
	network := flags.Bool("network", false, "the network of the machine is handed over")
	gateways := flags.Bool("gateways", false, "serve the Gateway API")
	_ = flags.Parse(os.Args[1:])

	config := ingress.Config{Gateways: *gateways, Entry: routing.Entry{Port: int32(*port), HTTP: *http, HTTPS: *https}} //nolint:gosec // a port
	var err error
	if config.Authority, err = pki.OpenAuthority(*directory, *authority); err != nil {
		return err
	}
	if config.API, err = clientcmd.BuildConfigFromFlags("", *kubeconfig); err != nil {
		return fmt.Errorf("reading %s: %w", *kubeconfig, err)
	}
	config.API.UserAgent, config.API.QPS, config.API.ContentType = "cyan-ingress", -1, "application/vnd.kubernetes.protobuf"
	next := firstFile
	for _, handed := range []struct {
		is bool
		to *net.Listener
	}{{true, &config.Shared}, {*http, &config.HTTP}, {*https, &config.HTTPS}} {
		if !handed.is {
			continue
		}
		file := os.NewFile(uintptr(next), "listener") //nolint:gosec // small
		if *handed.to, err = net.FileListener(file); err != nil {
			return fmt.Errorf("taking over a listener: %w", err)
		}
		_ = file.Close()
		next++
	}
	listen, err := listenOutside(*network, next)
	if err != nil {
		return err
	}
	config.Listen = func(port int32) (net.Listener, error) {
		return listen(net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	}
	config.Ready = func() { sayReady(*ready) }
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	return ingress.Run(ctx, config)
}

// sayReady makes the socket by which others find out that everything is served.
func sayReady(socket string) {
	_ = os.Remove(socket) // that of a process that was killed is still there
	listener, err := net.Listen("unix", socket)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: listening on %s: %v\n", Ingress, socket, err)
		return
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
}
