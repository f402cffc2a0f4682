// Package parts makes this one program all the programs of a cluster: the name it is called by says which.
package parts

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/cyan-cd/cyan/localcluster/internal/supervise"
)

// The names of the parts.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Kubelet           = "kubelet"
	Proxy             = "kube-proxy"
	Containerd        = "containerd"
	Shim              = "containerd-shim-runc-v2"
	DNS               = "coredns"
	Registry          = "registry"
	Metrics           = "metrics-server"
	Nodes             = "simulated-nodes"
	Ingress           = "ingress"
	Egress            = "egress"
	Init              = "node-init"
)

// nameEnv names the part where the program's own name is lost: a shim starts itself again by its path.
const nameEnv = "CYAN_LOCAL_PART"

// mains are the parts that this platform has.
var mains = map[string]func() error{
	Etcd:              runEtcd,
	APIServer:         runAPIServer,
	ControllerManager: runControllerManager,
	Scheduler:         runScheduler,
	Registry:          runRegistry,
	Nodes:             runNodes,
	Ingress:           runIngress,
}

// Run runs the part that this process was started as, and does not return then. It returns when the process is no part.
func Run() {
	name := filepath.Base(os.Args[0])
	main := mains[name]
	if main == nil {
		name = os.Getenv(nameEnv)
		main = mains[name]
	}
	if main == nil {
		return
	}
	supervise.ExitWithSupervisor()
	if err := main(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}
