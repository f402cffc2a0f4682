package cluster

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"

	"github.com/cyan-cd/cyan/localcluster/internal/egress"
	"github.com/cyan-cd/cyan/localcluster/internal/node"
	"github.com/cyan-cd/cyan/localcluster/internal/parts"
	"github.com/cyan-cd/cyan/localcluster/internal/supervise"
)

// openOutside makes what packets to other networks go to, unless pods are to have no way out. A machine that cannot
// make it has a cluster all the same.
func (r *realRun) openOutside() error {
	if r.record.LeftOut(Egress) {
		return nil
	}
	device, err := r.node.OpenOutside(serviceRange)
	r.mu.Lock()
	defer r.mu.Unlock()
	if errors.Is(err, node.ErrNoTun) {
		r.egressNote = "pods have no way out: " + err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	r.outside, r.egress = device, &EgressStatus{Names: egress.Names}
	r.stops = append(r.stops, func() { _ = device.Close() })
	return nil
}

// egress passes on the packets that leave the cluster's network. It is in this machine's own, as other programs are.
func (p partSpecs) egress(device *os.File) supervise.Spec {
	socket := p.dir.Socket(parts.Egress)
	spec := p.spec(parts.Egress, 50, "--ready="+socket, "--machine="+node.Machine, "--resolver="+node.Resolver,
		"--inside="+strings.Join([]string{node.PodRange, serviceRange, node.Range}, ","))
	spec.Start, spec.Files = nil, []*os.File{device}
	spec.Ready = func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	return spec
}
