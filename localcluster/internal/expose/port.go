// Package expose offers the Services of a cluster that lives in a network of its own, and the ports of hosts that its
// pods ask for, on this machine's 127.0.0.1.
package expose

// Port is a port of a Service, or one of the host that a pod asks for, that can be reached on this machine.
type Port struct {
	Namespace string `json:"namespace"`
	Service   string `json:"service,omitempty"`
	// Pod is set where it is not a Service's.
	Pod string `json:"pod,omitempty"`
	// Type is NodePort, LoadBalancer or HostPort.
	Type string `json:"type"`
	// Port is the Service's or the pod's own, NodePort the node's.
	Port int32 `json:"port"`
	// Protocol is TCP or UDP.
	Protocol string `json:"protocol"`
	NodePort int32  `json:"nodePort,omitempty"`
	// Address is where it is reached, 127.0.0.1:PORT.
	Address string `json:"address"`
}
