package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/cyan-cd/cyan/localcluster/internal/parts"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
	"github.com/cyan-cd/cyan/localcluster/internal/supervise"
)

// ingressAuthority is the name of the authority that signs for hosts below localhost.
const ingressAuthority = "ingress-ca"

// IngressStatus is where Ingresses and Gateways are reached.
type IngressStatus struct {
	// Port is always there, for HTTP and HTTPS.
	Port int `json:"port"`
	// HTTP and HTTPS report whether ports 80 and 443 are served as well.
	HTTP  bool `json:"http"`
	HTTPS bool `json:"https"`
	// URLs are those of any host below localhost.
	URLs []string `json:"urls"`
	// Missing are those of the two ports that are not served.
	Missing []MissingPort `json:"missing,omitempty"`
	// CA is the file of the authority to trust for hosts below localhost.
	CA string `json:"ca"`
}

// MissingPort is a port that could not be had.
type MissingPort struct {
	Port int `json:"port"`
	// Cause is why, and Remedy how to get it.
	Cause  string `json:"cause"`
	Remedy string `json:"remedy"`
}

// reserveIngress takes the port of Ingresses, unless they are left out.
func reserveIngress(options Options, record state.Record) (*reservedPort, error) {
	if record.LeftOut(Ingress) {
		return nil, nil
	}
	return reservePort(options.IngressPort, record.IngressPort, "--ingress-port")
}

// ingressListeners are what the part that serves Ingresses is handed: its own port, and those of the protocols where
// they are free.
type ingressListeners struct {
	shared, http, https *net.TCPListener
	missing             []MissingPort
}

func listenIngress(port *reservedPort, dir state.Dir) (ingressListeners, error) {
	var l ingressListeners
	l.http, l.https = l.listenIfFree(80, dir), l.listenIfFree(443, dir)
	var err error
	l.shared, err = port.listen()
	return l, err
}

// listenIfFree listens on a port of 127.0.0.1, or returns nil: somebody else may have it, or be the only one who may.
func (l *ingressListeners) listenIfFree(port int, dir state.Dir) *net.TCPListener {
	listener, err := net.Listen("tcp4", net.JoinHostPort(loopback, strconv.Itoa(port)))
	if err == nil {
		return listener.(*net.TCPListener)
	}
	missing := MissingPort{Port: port, Cause: "open to root alone", Remedy: "start the cluster as root to have it"}
	if !errors.Is(err, unix.EACCES) {
		who, remedy := holder(port)
		missing.Cause = "taken by " + who
		missing.Remedy = fmt.Sprintf("%s, then run `cyan local down --dir %[2]s && cyan local up --dir %[2]s`", remedy, state.ShellWord(dir.Path))
	}
	l.missing = append(l.missing, missing)
	return nil
}

// notes are sentences about the ports that are missing, one for those with the same cause.
func (s *IngressStatus) notes() []string {
	if s == nil || len(s.Missing) == 0 {
		return nil
	}
	if m := s.Missing; len(m) > 1 && m[0].Cause == m[1].Cause {
		return []string{fmt.Sprintf("ports %d and %d of %s: %s; %s", m[0].Port, m[1].Port, loopback, m[0].Cause, m[0].Remedy)}
	}
	var notes []string
	for _, m := range s.Missing {
		notes = append(notes, fmt.Sprintf("port %d of %s: %s; %s", m.Port, loopback, m.Cause, m.Remedy))
	}
	return notes
}

// launchIngress starts what serves Ingresses, unless it is left out. In a network of its own it needs this machine's
// to listen in; without one, it is in it.
func (s *supervisor) launchIngress(run *startup, network *os.File) ([]*supervise.Part, error) {
	if s.record.LeftOut(Ingress) {
		return nil, nil
	}
	listeners, err := listenIngress(s.ingressPort, s.dir)
	if err != nil {
		return nil, err
	}
	status := describeIngress(s.dir, s.ingressPort.port, listeners)
	var files []*os.File
	for _, l := range []*net.TCPListener{listeners.shared, listeners.http, listeners.https} {
		if l == nil {
			continue
		}
		file, err := listenerFile(l)
		if err != nil {
			return nil, err
		}
		run.stops = append(run.stops, func() { _ = file.Close() })
		files = append(files, file)
	}
	if network != nil {
		files = append(files, network)
	}
	s.mu.Lock()
	s.ingress = status
	s.mu.Unlock()
	spec := s.specs().ingress(status, network != nil, !s.record.LeftOut(Gateway))
	spec.Files = files
	return []*supervise.Part{s.group.Launch(spec)}, nil
}

func (p partSpecs) ingress(status *IngressStatus, network, gateways bool) supervise.Spec {
	spec := p.spec(parts.Ingress, 50, "--kubeconfig="+kubeconfigOf(p.dir, parts.Ingress), "--authority="+ingressAuthority, "--pki="+p.dir.PKI(),
		"--ready="+p.dir.Socket(parts.Ingress), "--port="+strconv.Itoa(status.Port), "--http="+strconv.FormatBool(status.HTTP),
		"--https="+strconv.FormatBool(status.HTTPS), "--network="+strconv.FormatBool(network), "--gateways="+strconv.FormatBool(gateways))
	socket := p.dir.Socket(parts.Ingress)
	spec.Ready = func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	return spec
}

func describeIngress(dir state.Dir, shared int, l ingressListeners) *IngressStatus {
	status := &IngressStatus{Port: shared, HTTP: l.http != nil, HTTPS: l.https != nil, Missing: l.missing, CA: dir.PKI() + "/" + ingressAuthority + ".crt"}
	port := ":" + strconv.Itoa(status.Port)
	for _, standard := range []struct {
		scheme string
		served bool
	}{{"http", status.HTTP}, {"https", status.HTTPS}} {
		if standard.served {
			status.URLs = append(status.URLs, standard.scheme+"://*.localhost")
		}
		status.URLs = append(status.URLs, standard.scheme+"://*.localhost"+port)
	}
	return status
}
