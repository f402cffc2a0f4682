package node

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/cyan-cd/cyan/localcluster/internal/egress"
)

const (
	// Machine stands for this machine in the node's network.
	Machine = "172.30.1.1"
	// Resolver stands for this machine's resolvers.
	Resolver = "172.30.1.53"
	// Range is where the node, and what stands for something in its network, have their addresses.
	Range = "172.30.0.0/23"
	// outside is the interface by which packets leave the node's network.
	outside = "out0"
	tunFile = "/dev/net/tun"
)

// ErrNoTun is returned where the kernel makes no devices whose packets go to a program.
var ErrNoTun = errors.New(tunFile + ": not there; load the kernel's module (modprobe tun; in a container: --device " + tunFile + ")")

// OpenOutside makes the device that packets to other networks go to, and the routes that lead there. It is gone with
// the node, or when the file is closed by all who have it. Services have their addresses in a range that the kernel
// needs a route to before it turns them into those of pods.
func (n *Node) OpenOutside(services string) (*os.File, error) {
	var device *os.File
	err := n.Do(func() (err error) {
		if device, err = openTun(); err != nil {
			return err
		}
		if err = routeOutside(services); err != nil {
			_ = device.Close()
		}
		return err
	})
	return device, err
}

func openTun() (*os.File, error) {
	fd, err := unix.Open(tunFile, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.EPERM) {
		return nil, ErrNoTun
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", tunFile, err)
	}
	device := os.NewFile(uintptr(fd), tunFile)
	request, err := unix.NewIfreq(outside)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err == nil { // packets may come and go without checksums, and with their segments together
		err = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM|unix.TUN_F_TSO4)
	}
	if err != nil {
		_ = device.Close()
		return nil, fmt.Errorf("making the interface %s: %w", outside, err)
	}
	return device, nil
}

// routeOutside sends what is for nobody in the cluster to the device. A pod that is gone is unreachable: its address
// means something else outside, or nothing.
func routeOutside(services string) error {
	out, err := netlink.LinkByName(outside)
	if err == nil {
		err = netlink.LinkSetMTU(out, egress.MTU)
	}
	if err == nil {
		err = netlink.LinkSetUp(out)
	}
	if err != nil {
		return fmt.Errorf("starting the interface %s: %w", outside, err)
	}
	bridge, err := netlink.LinkByName(bridgeName)
	if err != nil {
		return fmt.Errorf("finding the interface %s: %w", bridgeName, err)
	}
	own := net.ParseIP(Address).To4()
	for _, route := range []netlink.Route{
		{LinkIndex: out.Attrs().Index, Dst: everywhere, Scope: netlink.SCOPE_LINK, Src: own},
		{LinkIndex: bridge.Attrs().Index, Dst: parsed(services), Scope: netlink.SCOPE_LINK, Src: own},
		{Dst: parsed(PodRange), Type: unix.RTN_UNREACHABLE},
	} {
		if err := netlink.RouteReplace(&route); err != nil {
			return fmt.Errorf("routing %s: %w", route.Dst, err)
		}
	}
	return nil
}

func parsed(prefix string) *net.IPNet {
	_, network, err := net.ParseCIDR(prefix)
	if err != nil {
		panic(err) // a constant
	}
	return network
}
