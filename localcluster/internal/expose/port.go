// Package expose offers the Services of a cluster that lives in a network of its own on this machine's 127.0.0.1.
package expose

// Port is a port of a Service that can be reached on this machine.
type Port struct {
	Namespace string `json:"namespace"`
	Service   string `json:"service"`
	// Type is NodePort or LoadBalancer.
	Type string `json:"type"`
	// Port is the Service's own, NodePort the node's.
	Port     int32 `json:"port"`
	NodePort int32 `json:"nodePort,omitempty"`
	// Address is where it is reached, 127.0.0.1:PORT.
	Address string `json:"address"`
}
