package expose

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cyan-cd/cyan/localcluster/internal/datagrams"
)

const (
	// maxSessions is how many clients of one port are remembered: the one that was heard longest ago gives way.
	maxSessions = 256
	// sessionIdle is how long a client is remembered that says and hears nothing.
	sessionIdle = time.Minute
)

// DialDatagrams makes a socket in the cluster's network whose datagrams go to an address.
type DialDatagrams func(address string) (*net.UDPConn, error)

// Datagrams passes datagrams on to one address, which can change. Each client has a socket of its own there, so that it
// gets the answers that are meant for it.
type Datagrams struct {
	socket *net.UDPConn
	dial   DialDatagrams
	idle   time.Duration
	limit  int

	mu       sync.Mutex
	target   string
	sessions map[netip.AddrPort]*session
	closed   bool
}

// session is what a client has said and heard.
type session struct {
	far  *net.UDPConn
	last time.Time
}

// ForwardDatagrams passes every datagram that comes to socket on to target, and the answers back.
func ForwardDatagrams(socket *net.UDPConn, dial DialDatagrams, target string) *Datagrams {
	d := &Datagrams{socket: socket, dial: dial, target: target, idle: sessionIdle, limit: maxSessions, sessions: map[netip.AddrPort]*session{}}
	go d.receive()
	return d
}

// Aim changes where datagrams go.
func (d *Datagrams) Aim(target string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.target != target {
		d.target = target
		d.forget()
	}
}

// Close ends the socket and every session.
func (d *Datagrams) Close() {
	_ = d.socket.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.forget()
}

// forget ends every session. The lock is held.
func (d *Datagrams) forget() {
	for client, s := range d.sessions {
		_ = s.far.Close()
		delete(d.sessions, client)
	}
}

func (d *Datagrams) receive() {
	buffer := make([]byte, datagrams.Max)
	for {
		n, client, err := d.socket.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			<-time.After(10 * time.Millisecond) // out of memory: some will be free again
			continue
		}
		s, err := d.sessionOf(client)
		if err != nil {
			slog.Warn("datagram could not be passed on", "port", d.socket.LocalAddr().String(), "cause", err.Error())
			continue
		}
		if s != nil {
			s.pass(buffer[:n])
		}
	}
}

// pass passes a datagram on. It is lost like any other where nobody takes it, but not because one before it was.
func (s *session) pass(datagram []byte) {
	if _, err := s.far.Write(datagram); errors.Is(err, unix.ECONNREFUSED) {
		_, _ = s.far.Write(datagram)
	}
}

// sessionOf returns the session of a client, a new one where it has none, and nil once nothing is passed on.
func (d *Datagrams) sessionOf(client netip.AddrPort) (*session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, nil
	}
	if s := d.sessions[client]; s != nil {
		s.last = time.Now()
		return s, nil
	}
	far, err := d.dial(d.target)
	if err != nil {
		return nil, err
	}
	if len(d.sessions) >= d.limit {
		d.forgetOldest()
	}
	s := &session{far: far, last: time.Now()}
	d.sessions[client] = s
	go d.answer(client, s)
	return s, nil
}

// forgetOldest ends the session that was used longest ago. The lock is held.
func (d *Datagrams) forgetOldest() {
	var oldest netip.AddrPort
	for client, s := range d.sessions {
		if known := d.sessions[oldest]; known == nil || s.last.Before(known.last) {
			oldest = client
		}
	}
	_ = d.sessions[oldest].far.Close()
	delete(d.sessions, oldest)
}

// answer passes back to a client what it is answered, until nothing has moved for a while.
func (d *Datagrams) answer(client netip.AddrPort, s *session) {
	defer s.far.Close()
	for {
		until, goesOn := d.until(client, s)
		if !goesOn {
			return
		}
		_ = s.far.SetReadDeadline(until)
		err := datagrams.Receive(s.far, func(answer []byte) error {
			d.moved(s)
			_, _ = d.socket.WriteToUDPAddrPort(answer, client)
			return nil
		})
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, unix.ECONNREFUSED):
			continue // the client may have said more; that nobody listens holds until somebody does
		case err != nil:
			d.end(client, s)
			return
		}
	}
}

// until returns when a session ends, and ends it when that is past.
func (d *Datagrams) until(client netip.AddrPort, s *session) (until time.Time, goesOn bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	until = s.last.Add(d.idle)
	if goesOn = time.Now().Before(until); !goesOn {
		d.drop(client, s)
	}
	return until, goesOn
}

func (d *Datagrams) end(client netip.AddrPort, s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop(client, s)
}

// drop forgets a session, but not one that the client has begun since. The lock is held.
func (d *Datagrams) drop(client netip.AddrPort, s *session) {
	if d.sessions[client] == s {
		delete(d.sessions, client)
	}
}

func (d *Datagrams) moved(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.last = time.Now()
}
