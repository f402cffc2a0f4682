package node

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/cyan-cd/cyan/localcluster/internal/config"
	"github.com/cyan-cd/cyan/localcluster/internal/processes"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
	"github.com/cyan-cd/cyan/localcluster/internal/supervise"
)

// reportFile is the pipe that the first process says on what goes wrong.
const reportFile = 3

// HostDirs are the directories outside the cluster's own that its parts insist on. Inside the node they are empty and
// private; on the machine they only have to exist. A kubelet listens for device plugins in /var/lib/kubelet, whatever
// its own directory is.
var HostDirs = []string{"/var/log/containers", "/var/lib/cni", "/var/lib/kubelet"}

// kernelSettings are what a kubelet sets for the whole machine. It finds them set already, in files of the node's own.
var kernelSettings = map[string]string{
	"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
	"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

// networkSettings hold in the node's network alone.
var networkSettings = map[string]string{
	"ipv4/ip_forward": "1", "ipv4/conf/all/route_localnet": "1", "ipv4/conf/all/forwarding": "1",
	// Pods answer at addresses that the kernel would take for wrong on a machine with more than one way.
	"ipv4/conf/all/rp_filter": "0", "ipv4/conf/default/rp_filter": "0",
	"ipv6/conf/all/disable_ipv6": "1",
}

// optionalSettings are missing where a kernel is built without the feature.
func optional(name string) bool {
	return strings.HasPrefix(name, "ipv6/") || strings.HasPrefix(name, "kernel/keys/")
}

// RunInit is the life of a node's first process: it sets up the namespaces and becomes a program that only waits.
func RunInit(dir state.Dir) error {
	report := os.NewFile(reportFile, "report")
	unix.CloseOnExec(reportFile)
	err := setUpNode(dir)
	if err == nil {
		err = unix.Exec(pauseFile(dir), []string{supervise.NodeInit, dir.Path}, []string{processes.Mark(dir)})
	}
	fmt.Fprintln(report, err)
	return err
}

func setUpNode(dir state.Dir) error {
	// What the machine mounts later is seen here; what is mounted here is seen by containers that ask for it, and
	// nowhere else.
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("parting the node's mounts from the machine's: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("sharing the node's mounts with containers: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting the node's /proc: %w: real nodes need all of root's rights (in a container: --privileged), or take --nodes simulated", err)
	}
	for _, path := range HostDirs {
		if err := unix.Mount("cyan-"+dir.ID, path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			return fmt.Errorf("mounting %s: %w", path, err)
		}
	}
	// A kubelet's sockets need a short path, its volumes a place on the disk.
	if err := unix.Mount(dir.Data("kubelet"), filepath.Join(dir.Run, "kubelet"), "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("placing the kubelet's directory: %w", err)
	}
	if err := mountOthers(dir); err != nil {
		return err
	}
	if err := bindKernelSettings(dir); err != nil {
		return err
	}
	if err := setUpNetwork(); err != nil {
		return err
	}
	return chooseIptables(dir)
}

// ownMounts is where the node gets a file system of its own when something is to be mounted below.
const ownMounts = "/mnt"

// mountOthers mounts directories of the machine where the user wants them on the node.
func mountOthers(dir state.Dir) error {
	settings, err := config.Load(dir)
	if err != nil {
		return err
	}
	below := func(m config.Mount) bool { return strings.HasPrefix(m.NodePath, ownMounts+"/") }
	// A mount of what is in /mnt itself has to see it before it is hidden.
	var opened []int
	for _, m := range settings.Mounts {
		fd, err := unix.Open(m.HostPath, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("mounts: opening %s: %w", m.HostPath, err)
		}
		defer unix.Close(fd)
		opened = append(opened, fd)
	}
	if slices.ContainsFunc(settings.Mounts, below) {
		if err := unix.Mount("cyan-"+dir.ID, ownMounts, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			return fmt.Errorf("mounts: making %s the node's own: %w", ownMounts, err)
		}
	}
	for i, m := range settings.Mounts {
		if below(m) {
			if err := os.MkdirAll(m.NodePath, 0o755); err != nil {
				return fmt.Errorf("mounts: making %s: %w", m.NodePath, err)
			}
		}
		if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", opened[i]), m.NodePath, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("mounts: mounting %s at %s: %w", m.HostPath, m.NodePath, err)
		}
		if m.ReadOnly {
			if err := unix.Mount("", m.NodePath, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
				return fmt.Errorf("mounts: making %s read-only: %w", m.NodePath, err)
			}
		}
	}
	return nil
}

// bindKernelSettings keeps the machine's settings from being changed.
func bindKernelSettings(dir state.Dir) error {
	for name, value := range kernelSettings {
		file := filepath.Join(dir.Run, "sysctl", strings.ReplaceAll(name, "/", "."))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return fmt.Errorf("keeping kernel settings apart: %w", err)
		}
		if err := os.WriteFile(file, []byte(value+"\n"), 0o600); err != nil {
			return fmt.Errorf("keeping kernel settings apart: %w", err)
		}
		err := unix.Mount(file, "/proc/sys/"+name, "", unix.MS_BIND, "")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keeping the kernel setting %s apart: %w", name, err)
		}
	}
	return nil
}

// bridgeName is the interface with the node's address.
const bridgeName = "node0"

// everywhere is the range of all addresses.
var everywhere = &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}

func setUpNetwork() error {
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("starting the node's loopback interface: %w", err)
	}
	// A bridge, because it is the one kind of interface that every kernel can make and that needs no other end.
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridgeName}}
	if err := netlink.LinkAdd(bridge); err != nil {
		return fmt.Errorf("making the node's interface: %w: the kernel needs to have bridges (modprobe bridge)", err)
	}
	address := &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(Address).To4(), Mask: net.CIDRMask(bits, 32)}}
	if err := netlink.AddrAdd(bridge, address); err != nil {
		return fmt.Errorf("giving the node its address: %w", err)
	}
	if err := netlink.LinkSetUp(bridge); err != nil {
		return fmt.Errorf("starting the node's interface: %w", err)
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: bridge.Attrs().Index, Dst: everywhere, Scope: netlink.SCOPE_LINK}); err != nil {
		return fmt.Errorf("giving the node its route: %w", err)
	}
	for name, value := range networkSettings {
		err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0o644)
		if err != nil && (!optional(name) || !errors.Is(err, fs.ErrNotExist)) {
			return fmt.Errorf("setting net/%s to %s: %w", name, value, err)
		}
	}
	return nil
}

// hostDirMark stands in a directory that did not exist before a cluster needed it.
const hostDirMark = ".made-by-cyan-local"

// MakeHostDirs makes the directories of Outside that do not exist.
func MakeHostDirs() error {
	for _, path := range HostDirs {
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := os.MkdirAll(path, 0o755); err != nil {
			return fmt.Errorf("making %s: %w", path, err)
		}
		if err := os.WriteFile(filepath.Join(path, hostDirMark), nil, 0o644); err != nil {
			return fmt.Errorf("marking %s: %w", path, err)
		}
	}
	return nil
}

// RemoveHostDirs removes the directories that MakeOutside made, unless another cluster uses them.
func RemoveHostDirs(dir state.Dir) {
	others, _ := os.ReadDir(filepath.Dir(dir.Run))
	for _, other := range others {
		if other.Name() != dir.ID {
			return
		}
	}
	for _, path := range HostDirs {
		entries, err := os.ReadDir(path)
		if err == nil && len(entries) == 1 && entries[0].Name() == hostDirMark {
			_ = os.Remove(filepath.Join(path, hostDirMark))
			_ = os.Remove(path)
		}
	}
}

// Missing are the programs and files that a real node needs from Debian and this machine lacks, as package names.
func Missing() []string {
	needs := []struct {
		pkg   string
		paths []string
	}{
		{"runc", []string{"runc"}},
		{"containernetworking-plugins", []string{PluginDir + "/ptp", PluginDir + "/host-local", PluginDir + "/portmap"}},
		{"iptables", []string{"iptables", "iptables-restore"}},
		{"conntrack", []string{"conntrack"}},
	}
	var missing []string
	for _, need := range needs {
		for _, path := range need.paths {
			if !present(path) {
				missing = append(missing, need.pkg)
				break
			}
		}
	}
	return missing
}

// PluginDir is where Debian keeps CNI plugins.
const PluginDir = "/usr/lib/cni"

// toolDirs are where Debian keeps the other programs; a user's PATH often lacks half of them.
var toolDirs = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

func present(path string) bool {
	candidates := []string{path}
	if !filepath.IsAbs(path) {
		candidates = nil
		for _, dir := range toolDirs {
			candidates = append(candidates, filepath.Join(dir, path))
		}
	}
	for _, c := range candidates {
		if info, err := os.Stat(c); err == nil && !info.IsDir() {
			return true
		}
	}
	return false
}
