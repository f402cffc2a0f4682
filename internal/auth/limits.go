package auth

import (
	"net"
	"net/netip"
	"time"
)

// Rates of failed log-ins. An attempt that succeeds counts for nothing.
var (
	addressRate = rate{burst: 10, interval: 6 * time.Second}
	// accountRate is for all strangers together that try an account and have failed on it before.
	accountRate = rate{burst: 30, interval: time.Second}
	knownRate   = rate{burst: 10, interval: 6 * time.Second}
)

// limits hold up who tries passwords, with memory that does not grow.
//
// An address has a bucket, whatever accounts it tries; an address and an account together have delays that grow with
// each failure; and an account has a bucket for all addresses together. The last one would let anybody lock an account
// out from many addresses, so it neither counts nor holds up an address's first attempt on the account, nor a browser
// that has logged in to it before, which has a bucket of its own.
type limits struct {
	addresses, accounts, known *buckets
	pairs                      *failures
}

func newLimits(now time.Time) *limits {
	return &limits{newBuckets(addressRate, now), newBuckets(accountRate, now), newBuckets(knownRate, now), newFailures(now)}
}

// attempt is one of somebody to log in.
type attempt struct {
	address, account string
	// device is the browser's, which has logged in to the account before; "" for a stranger.
	device string
}

func (a attempt) pair() string { return a.address + "\n" + a.account }

// begin counts an attempt as failed until it is known to have succeeded, or returns how long it has to wait.
func (l *limits) begin(a attempt, now time.Time) time.Duration {
	if a.device != "" {
		return l.known.take(a.device, now)
	}
	if wait := l.pairs.wait(a.pair(), now); wait > 0 {
		return wait
	}
	before := l.pairs.count(a.pair(), now)
	if wait := l.addresses.take(a.address, now); wait > 0 {
		return wait
	}
	if before > 0 {
		if wait := l.accounts.take(a.account, now); wait > 0 {
			l.addresses.giveBack(a.address)
			return wait
		}
	}
	l.pairs.failed(a.pair(), now)
	return 0
}

// succeeded takes back what begin has counted, and forgets what the address has failed at before.
func (l *limits) succeeded(a attempt, now time.Time) {
	l.undone(a, now)
	l.pairs.forget(a.pair(), now)
}

// undone takes back what begin has counted: the attempt was not made.
func (l *limits) undone(a attempt, now time.Time) {
	if a.device != "" {
		l.known.giveBack(a.device)
		return
	}
	if l.pairs.count(a.pair(), now) > 1 {
		l.accounts.giveBack(a.account)
	}
	l.pairs.takeBack(a.pair(), now)
	l.addresses.giveBack(a.address)
}

// AddressOf returns what counts as one address: that of a client, and with IPv6 the network that it may choose
// addresses from.
func AddressOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return cut(host)
	}
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	network, err := address.Prefix(64)
	if err != nil {
		return address.String()
	}
	return network.Masked().String()
}
