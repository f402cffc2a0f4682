package main

import (
	"crypto/tls"
	"net"

	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/controller"
)

// apiFlags are where `cyan server` serves the HTTP API.
type apiFlags struct{ address, certificate, key string }

func (f *apiFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.address, "api-listen", "", "address for the HTTP API, such as 127.0.0.1:8081; none by default")
	flags.StringVar(&f.certificate, "api-tls-cert", "", "FILE with the certificate of the API (PEM); needed where others than this machine reach it")
	flags.StringVar(&f.key, "api-tls-key", "", "FILE with its key (PEM)")
}

// listen opens the API's listener. Passwords and tokens cross no network in plain text.
func (f *apiFlags) listen() (controller.API, error) {
	host, _, err := net.SplitHostPort(f.address)
	secure := f.certificate != "" || f.key != ""
	switch {
	case f.address == "" && secure:
		return controller.API{}, kit.Usage("--api-tls-cert", "given without --api-listen", "give the address as well")
	case f.address == "":
		return controller.API{}, nil
	case err != nil:
		return controller.API{}, kit.Usage("--api-listen", err.Error(), "give HOST:PORT, such as 127.0.0.1:8081")
	case !secure && !isLoopback(host):
		return controller.API{}, kit.Usage("--api-listen "+f.address, "others than this machine reach that address, and would send passwords in plain text", "give --api-tls-cert and --api-tls-key, or listen on 127.0.0.1")
	}
	var config *tls.Config
	if secure {
		certificate, err := tls.LoadX509KeyPair(f.certificate, f.key)
		if err != nil {
			return controller.API{}, kit.Usage("--api-tls-cert", err.Error(), "give the files of a certificate and its key")
		}
		config = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	}
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		return controller.API{}, kit.Usage("--api-listen", err.Error(), "choose another address")
	}
	if secure {
		listener = tls.NewListener(listener, config)
	}
	return controller.API{Listener: listener, Insecure: !secure, Version: version}, nil
}
