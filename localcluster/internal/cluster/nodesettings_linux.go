package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/cyan-cd/cyan/localcluster/internal/egress"
	"github.com/cyan-cd/cyan/localcluster/internal/images"
	"github.com/cyan-cd/cyan/localcluster/internal/node"
	"github.com/cyan-cd/cyan/localcluster/internal/parts"
	"github.com/cyan-cd/cyan/localcluster/internal/pki"
	"github.com/cyan-cd/cyan/localcluster/internal/registry"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// nodeSettings are what the node's parts are configured with.
type nodeSettings struct {
	Dir                              state.Dir
	ID, Cgroup, NodeAddress          string
	PodRange, PluginDir, Snapshotter string
	RegistryPort                     int
	Registry                         registry.Account
	// Outside is set where pods have a way out.
	Outside           bool
	DNS, DNSReady, CA string
	Serving           pki.Pair
	FeatureGates      map[string]bool
}

func (n nodeSettings) write(program string) error {
	shim := filepath.Join(node.BinDir(n.Dir), parts.Shim)
	if err := os.Symlink(program, shim); err != nil {
		return fmt.Errorf("naming the shim: %w", err)
	}
	kubelet, err := json.MarshalIndent(n.kubelet(), "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the kubelet's settings: %w", err)
	}
	network, err := json.MarshalIndent(n.network(), "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the pod network's settings: %w", err)
	}
	for name, content := range map[string]string{
		"containerd.toml":                n.containerd(shim),
		"registries/_default/hosts.toml": n.mirror(),
		"net/10-cyan.conflist":           string(network),
		"kubelet.json":                   string(kubelet),
		"Corefile":                       n.corefile(),
		// What a pod gets that asks for the node's own DNS.
		"resolv.conf": "nameserver " + n.NodeAddress + "\n",
	} {
		file := n.Dir.Config(name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return fmt.Errorf("configuring the node: %w", err)
		}
		if err := state.WriteFile(file, []byte(content), 0o600); err != nil {
			return fmt.Errorf("configuring the node: %w", err)
		}
	}
	return nil
}

func (n nodeSettings) containerd(shim string) string {
	return fmt.Sprintf(`version = 3
root = %[1]q
state = %[2]q

[grpc]
  address = %[3]q

[plugins.'io.containerd.cri.v1.images']
  snapshotter = %[4]q
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = %[5]q
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = %[6]q

[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE a process cannot be made less likely to be killed than its parent.
  restrict_oom_score_adj = true
  # Everything that a pod leaves in the file system goes with the state directory.
  netns_mounts_under_state_dir = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = [%[7]q]
    conf_dir = %[8]q
    use_internal_loopback = true
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    runtime_path = %[9]q
    snapshotter = %[4]q
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = 'runc'
      Root = %[10]q
      SystemdCgroup = false

[plugins.'io.containerd.shim.v1.manager']
  socket_dir = %[11]q

[[plugins.'io.containerd.transfer.v1.local'.unpack_config]]
  platform = 'linux/%[12]s'
  snapshotter = %[4]q

[plugins.'io.containerd.nri.v1.nri']
  disable = true
`, n.Dir.Data("containerd"), filepath.Join(n.Dir.Run, "containerd"), n.Dir.Socket("containerd"), n.Snapshotter, "cyan.dev/"+images.Sandbox,
		n.Dir.Config("registries"), n.PluginDir, n.Dir.Config("net"), shim, filepath.Join(n.Dir.Run, "runc"), filepath.Join(n.Dir.Run, "s"), runtime.GOARCH)
}

// mirror sends containerd to the cluster's own registry for every image, whatever its name says, with its login.
func (n nodeSettings) mirror() string {
	return fmt.Sprintf(`server = "http://127.0.0.1:%[1]d"

[header]
  Authorization = %[2]q

[host."http://127.0.0.1:%[1]d"]
  capabilities = ["pull", "resolve"]
  [host."http://127.0.0.1:%[1]d".header]
    Authorization = %[2]q
`, n.RegistryPort, n.Registry.Header())
}

// network joins each pod to the node by a wire of its own. On a shared bridge, answers of a Service would pass from pod
// to pod without being seen by the rules that have to turn their addresses back.
func (n nodeSettings) network() any {
	return map[string]any{
		"cniVersion": "1.0.0", "name": n.Dir.CgroupName(),
		"plugins": []any{
			map[string]any{"type": "ptp", "ipam": map[string]any{
				"type": "host-local", "dataDir": filepath.Join(n.Dir.Run, "addresses"),
				"ranges": []any{[]any{map[string]any{"subnet": n.PodRange}}}, "routes": []any{map[string]any{"dst": "0.0.0.0/0"}},
			}},
			map[string]any{"type": "portmap", "capabilities": map[string]any{"portMappings": true}},
		},
	}
}

func (n nodeSettings) kubelet() any {
	never := map[string]string{"memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%", "imagefs.inodesFree": "0%"}
	return map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"authentication": map[string]any{
			"anonymous": map[string]any{"enabled": false}, "webhook": map[string]any{"enabled": true}, "x509": map[string]any{"clientCAFile": n.CA},
		},
		"authorization": map[string]any{"mode": "Webhook"},
		"tlsCertFile":   n.Serving.CertFile, "tlsPrivateKeyFile": n.Serving.KeyFile,
		"address": n.NodeAddress, "healthzBindAddress": n.NodeAddress, "healthzPort": kubeletReady, "readOnlyPort": 0,
		"containerRuntimeEndpoint": "unix://" + n.Dir.Socket("containerd"),
		"clusterDNS":               []string{n.DNS}, "clusterDomain": "cluster.local", "resolvConf": n.Dir.Config("resolv.conf"),
		"cgroupDriver": "cgroupfs", "cgroupRoot": n.Cgroup, "cgroupsPerQOS": true, "enforceNodeAllocatable": []string{},
		"failCgroupV1": false, "failSwapOn": false, "oomScoreAdj": 0,
		// The machine's disk is not the node's: filling it is nobody's fault here.
		"evictionHard": never, "imageGCHighThresholdPercent": 100, "imageMaximumGCAge": "24h", "localStorageCapacityIsolation": false,
		"podLogsDir": n.Dir.Data("pod-logs"), "volumePluginDir": filepath.Join(n.Dir.Run, "kubelet", "volume-plugins"),
		"featureGates": n.FeatureGates, "serializeImagePulls": false, "configMapAndSecretChangeDetectionStrategy": "Watch", "enableProfilingHandler": false,
	}
}

// corefile answers for the cluster's names, and for others by this machine's resolvers. Without a way out of the
// cluster's network, other names do not exist.
func (n nodeSettings) corefile() string {
	return fmt.Sprintf(`cluster.local in-addr.arpa ip6.arpa {
    bind %[1]s
    errors
    ready %[1]s:%[2]s
    loadbalance
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig %[3]s
        pods insecure
        ttl 5
    }
}
. {
    bind %[1]s
    errors
%[4]s}
`, n.NodeAddress, n.DNSReady, corefileToken(kubeconfigOf(n.Dir, "dns")), n.otherNames())
}

// corefileToken quotes one word of a Corefile, in which nothing but the quote itself is escaped.
func corefileToken(word string) string { return `"` + strings.ReplaceAll(word, `"`, `\"`) + `"` }

func (n nodeSettings) otherNames() string {
	if !n.Outside {
		return `    template ANY ANY . {
        rcode NXDOMAIN
    }
`
	}
	return fmt.Sprintf(`    hosts {
        %s %s
        no_reverse
        fallthrough
    }
    cache 30 {
        servfail 1s
    }
    forward . %s {
        max_fails 0
    }
`, node.Machine, strings.Join(egress.Names, " "), node.Resolver)
}
