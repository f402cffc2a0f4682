package main

import (
	"crypto/tls"
	"net"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/controller"
	"github.com/cyan-cd/cyan/internal/server"
)

// Where the server listens when nobody has said where.
const (
	defaultAPIAddress = "127.0.0.1:8080"
	defaultAddress    = "127.0.0.1:8082"
)

// apiFlags are where `cyan server` serves the page and the HTTP API.
type apiFlags struct {
	address, certificate, key string
	insecure                  bool
	root                      string
	proxies                   []string
	// asked is set where the address was given.
	asked bool
}

func (f *apiFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.address, "api-listen", defaultAPIAddress, "address for the page, the HTTP API and webhooks; empty for none")
	flags.StringVar(&f.certificate, "api-tls-cert", "", "FILE with the certificate for that (PEM); where others reach the address, that of Secret argocd-server-tls or argocd-secret if not given")
	flags.StringVar(&f.key, "api-tls-key", "", "FILE with its key (PEM)")
	flags.BoolVar(&f.insecure, "api-insecure", false, "serve it in plain HTTP where others reach it: a proxy in front ends TLS")
	flags.StringVar(&f.root, "root-path", "", "path that it is below, such as /cd, behind a proxy")
	flags.StringSliceVar(&f.proxies, "trusted-proxies", nil, "NETWORK of proxies in front that are believed on who is behind them (X-Forwarded-For, X-Forwarded-Proto); may be repeated")
}

// listen opens the API's listener. Passwords and tokens cross no network in plain text, unless a proxy is said to be in
// front.
func (f *apiFlags) listen() (controller.API, error) {
	given := f.certificate != "" || f.key != ""
	switch {
	case f.address == "" && given:
		return controller.API{}, kit.Usage("--api-tls-cert", "given while --api-listen is empty", "give the address as well")
	case f.insecure && given:
		return controller.API{}, kit.Usage("--api-insecure", "given with --api-tls-cert", "give one of the two")
	case f.address == "":
		return controller.API{}, nil
	}
	api := controller.API{Insecure: f.insecure, Version: version}
	var err error
	if api.Root, err = server.CheckRoot(f.root); err != nil {
		return controller.API{}, kit.Usage("--root-path", err.Error(), "")
	}
	if api.Proxies, err = server.ParseProxies(f.proxies); err != nil {
		return controller.API{}, kit.Usage("--trusted-proxies", err.Error(), "give an address, or one with the length of its prefix, such as 10.0.0.0/8")
	}
	if given {
		if _, err := tls.LoadX509KeyPair(f.certificate, f.key); err != nil {
			return controller.API{}, kit.Usage("--api-tls-cert", err.Error(), "give the files of a certificate and its key")
		}
		api.Certificate = f.read
	}
	if api.Listener, err = listen(f.address, f.asked); err != nil {
		return controller.API{}, kit.Usage("--api-listen", err.Error(), "choose another address, such as "+defaultAPIAddress)
	}
	return api, nil
}

// read returns what the files hold now: a certificate that was renewed is taken without a restart.
func (f *apiFlags) read() (server.KeyPair, error) {
	certificate, err := os.ReadFile(f.certificate)
	if err != nil {
		return server.KeyPair{}, err
	}
	key, err := os.ReadFile(f.key)
	return server.KeyPair{Certificate: certificate, Key: key}, err
}

// listen opens an address. Where it is taken and nobody has asked for it, another port of it will do.
func listen(address string, asked bool) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err == nil || asked {
		return listener, err
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, err
	}
	return net.Listen("tcp", net.JoinHostPort(host, "0"))
}

// asked reports whether a flag was given.
func asked(cmd *cobra.Command, flag string) bool { return cmd.Flags().Changed(flag) }
