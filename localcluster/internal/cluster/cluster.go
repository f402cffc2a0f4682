// Package cluster brings a cluster up, watches over it, tells of it, and takes it down.
//
// Up starts a supervisor in the background. The supervisor starts the parts and answers on a Unix socket; every other
// command asks it there. What a cluster is made of and where its files are is in package state.
package cluster

import (
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/config"
	"github.com/cyan-cd/cyan/localcluster/internal/expose"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
	"github.com/cyan-cd/cyan/localcluster/internal/supervise"
)

// Options say what cluster is wanted. Zero values leave the choice to the cluster's record, or to Up.
type Options struct {
	Mode  state.Mode
	Nodes int
	// APIPort and RegistryPort are ports on 127.0.0.1.
	APIPort, RegistryPort, IngressPort int
	// Without are the extras to leave out; nil leaves that as it was.
	Without []string
	// Settings are what a file says; nil leaves them as they were.
	Settings *config.Settings
}

// Status is what can be said of a cluster.
type Status struct {
	Ready bool `json:"ready"`
	// State is "running", "starting", "stopping" or "stopped".
	State string     `json:"state"`
	Mode  state.Mode `json:"mode"`
	Nodes int        `json:"nodes"`
	// Beside are the simulated nodes beside a real one.
	Beside     int    `json:"simulatedBeside,omitempty"`
	Kubernetes string `json:"kubernetes"`
	Dir        string `json:"dir"`
	APIServer  string `json:"apiServer"`
	Registry   string `json:"registry"`
	Kubeconfig string `json:"kubeconfig"`
	// Context is the context in the user's kubeconfig; empty when there is none.
	Context string `json:"context,omitempty"`
	// Ingress is where Ingresses and Gateways are reached; nil when that is left out.
	Ingress *IngressStatus `json:"ingress,omitempty"`
	// Egress is how pods find this machine; nil when they have no way out.
	Egress     *EgressStatus      `json:"egress,omitempty"`
	Supervisor int                `json:"supervisorPid"`
	Since      *time.Time         `json:"since,omitempty"`
	Parts      []supervise.Status `json:"parts"`
	Ports      []expose.Port      `json:"ports"`
	// Notes are sentences for the reader.
	Notes []string `json:"notes,omitempty"`
}

// EgressStatus is how pods find this machine.
type EgressStatus struct {
	// Names are those that stand for 127.0.0.1 of this machine in pods, the first one the cluster's own.
	Names []string `json:"names"`
}

// Event is a step of the supervisor's start.
type Event struct {
	// Text is what has been done.
	Text string `json:"text,omitempty"`
	// Ready is set when the cluster can be used.
	Ready bool `json:"ready,omitempty"`
	// Error is why it cannot.
	Error string `json:"error,omitempty"`
}
