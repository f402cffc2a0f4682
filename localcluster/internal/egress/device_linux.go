package egress

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	// maxPacket is how long a packet can be that comes from the device or goes there, in bytes: the kernel makes those
	// that a pod takes of it, and the other way round.
	maxPacket = 64<<10 - 1
	// maxSegments bounds what is sent as one packet, with room for headers.
	maxSegments = 60 << 10
	// offload is how long the header is that says what the kernel has still to do with a packet (virtio_net.h).
	offload = 10
	// The values of that header.
	needsChecksum = 1
	segmentsTCP4  = 1
)

// device is a TUN device with virtio headers as a link of the stack. What is sent by it keeps its segments together,
// and the kernel parts them: packet by packet, each would cost a system call.
type device struct {
	plainLink
	file *os.File
	gone func(error)

	mu         sync.RWMutex
	dispatcher stack.NetworkDispatcher
	reading    sync.WaitGroup
}

// Attach begins to read packets.
func (d *device) Attach(dispatcher stack.NetworkDispatcher) {
	d.mu.Lock()
	defer d.mu.Unlock()
	began := d.dispatcher != nil
	if d.dispatcher = dispatcher; dispatcher != nil && !began {
		d.reading.Go(func() { d.gone(d.read(dispatcher)) })
	}
}

func (d *device) IsAttached() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.dispatcher != nil
}

func (d *device) read(dispatcher stack.NetworkDispatcher) error {
	packet := make([]byte, offload+maxPacket)
	for {
		n, err := d.file.Read(packet)
		if err != nil {
			return fmt.Errorf("reading packets: %w", err)
		}
		if n <= offload || packet[offload]>>4 != header.IPv4Version {
			continue // there are no others
		}
		received := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(packet[offload:n])})
		dispatcher.DeliverNetworkPacket(header.IPv4ProtocolNumber, received)
		received.DecRef()
	}
}

var outgoing = sync.Pool{New: func() any { return new([offload + maxPacket]byte) }}

// WritePackets sends packets to pods.
func (d *device) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	space := outgoing.Get().(*[offload + maxPacket]byte)
	defer outgoing.Put(space)
	for i, packet := range packets.AsSlice() {
		putOffload(space[:offload], packet)
		n := offload
		for _, part := range packet.AsSlices() {
			n += copy(space[n:], part)
		}
		if _, err := d.file.Write(space[:n]); err != nil {
			return i, &tcpip.ErrClosedForSend{}
		}
	}
	return packets.Len(), nil
}

// putOffload writes what the kernel has still to do with a packet.
func putOffload(to []byte, packet *stack.PacketBuffer) {
	clear(to)
	gso := packet.GSOOptions
	if gso.Type != stack.GSOTCPv4 {
		return
	}
	binary.LittleEndian.PutUint16(to[2:], uint16(packet.HeaderSize())) //nolint:gosec // a header
	if gso.NeedsCsum {
		to[0] = needsChecksum
		binary.LittleEndian.PutUint16(to[6:], gso.L3HdrLen)
		binary.LittleEndian.PutUint16(to[8:], gso.CsumOffset)
	}
	if packet.Data().Size() > int(gso.MSS) {
		to[1] = segmentsTCP4
		binary.LittleEndian.PutUint16(to[4:], gso.MSS)
	}
}

// sendRaw sends a whole packet.
func (d *device) sendRaw(packet []byte) error {
	_, err := d.file.Write(append(make([]byte, offload, offload+len(packet)), packet...))
	return err
}

// Wait returns once no packet is read any more.
func (d *device) Wait() { d.reading.Wait() }

// Close ends the device for all who have it.
func (d *device) Close() { _ = d.file.Close() }

// SupportedGSO is that segments are parted by the kernel.
func (d *device) SupportedGSO() stack.SupportedGSO { return stack.HostGSOSupported }

// GSOMaxSize is how much may be sent as one packet, in bytes.
func (d *device) GSOMaxSize() uint32 { return maxSegments }

// plainLink is what a link is that has packets alone, without addresses or headers of its own. Checksums of what comes
// are the kernel's, and right.
type plainLink struct{}

func (plainLink) MTU() uint32                             { return MTU }
func (plainLink) SetMTU(uint32)                           {}
func (plainLink) MaxHeaderLength() uint16                 { return 0 }
func (plainLink) LinkAddress() tcpip.LinkAddress          { return "" }
func (plainLink) SetLinkAddress(tcpip.LinkAddress)        {}
func (plainLink) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareNone }
func (plainLink) AddHeader(*stack.PacketBuffer)           {}
func (plainLink) ParseHeader(*stack.PacketBuffer) bool    { return true }
func (plainLink) SetOnCloseAction(func())                 {}
func (plainLink) Capabilities() stack.LinkEndpointCapabilities {
	return stack.CapabilityRXChecksumOffload
}
