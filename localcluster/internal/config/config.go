// Package config reads the file that says what a cluster is to be: `cyan local up --config FILE`.
package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	apiVersion = "cyan.dev/v1alpha1"
	kind       = "LocalCluster"
	// maxFile is how large a file may be, in bytes.
	maxFile = 1 << 20
	// mostNodes is how many nodes can be simulated.
	mostNodes = 5000
)

// File is what a file says. Zero values are what it does not say.
type File struct {
	// Nodes is "real" or "simulated".
	Nodes string
	// Simulated is how many nodes are simulated: beside the real one, or in all.
	Simulated int
	Ports     Ports
	// Without is nil when nothing is said of extras.
	Without  []string
	Settings Settings
}

// Ports are those of 127.0.0.1.
type Ports struct{ APIServer, Registry, Ingress int }

// Settings are kept with the cluster, for its parts to read.
type Settings struct {
	// Mirrors are the URLs to fetch from instead of a registry, by its host.
	Mirrors map[string][]string `json:"mirrors,omitempty"`
	// Registries are other registries, by their hosts.
	Registries map[string]Registry `json:"registries,omitempty"`
	Mounts     []Mount             `json:"mounts,omitempty"`
	// FeatureGates are those of Kubernetes.
	FeatureGates map[string]bool `json:"featureGates,omitempty"`
	// Simulated is how many nodes are simulated beside the real one.
	Simulated int `json:"simulated,omitempty"`
}

// Registry is how a registry is reached, and as whom.
type Registry struct {
	Username string `json:"username,omitempty"`
	// Password, or the file that it is read from each time it is needed.
	Password     string `json:"password,omitempty"`
	PasswordFile string `json:"passwordFile,omitempty"`
	// PlainHTTP is set for a registry without TLS.
	PlainHTTP bool `json:"plainHTTP,omitempty"`
}

// Mount is a directory of this machine that the real node has at another path.
type Mount struct {
	HostPath string `json:"hostPath"`
	NodePath string `json:"nodePath"`
	ReadOnly bool   `json:"readOnly,omitempty"`
}

// Gates returns the flag that sets feature gates; "" when none is set.
func (s Settings) Gates() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s.FeatureGates)) {
		all = append(all, fmt.Sprintf("%s=%t", name, s.FeatureGates[name]))
	}
	return strings.Join(all, ",")
}

// Gate is what is known of a feature gate.
type Gate struct {
	Default bool
	// Locked is set when it cannot be changed any more.
	Locked bool
}

// Known is what a file is judged by.
type Known struct {
	// Extras are what can be left out.
	Extras []string
	Gates  map[string]Gate
	// IsDir reports whether a path is a directory of this machine, and IsFile whether it is a file.
	IsDir, IsFile func(string) bool
	// Own is the cluster's own directory, below which its parts have their files.
	Own string
}
