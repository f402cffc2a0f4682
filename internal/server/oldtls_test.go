package server

import (
	"crypto/tls"
	"net"
	"testing"
	"time"
)

// TestOldVersionsOfTLSAreRefused: who can speak no newer one is not served, whoever asks for it.
func TestOldVersionsOfTLSAreRefused(t *testing.T) {
	pair, err := SelfMade([]string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() {
			conn, err := WithTLS(inner, func() (KeyPair, error) { return pair, nil }).Accept()
			if err == nil {
				defer conn.Close()
				err = conn.(*tls.Conn).Handshake()
			}
			served <- err
		}()
		conn, err := tls.Dial("tcp", inner.Addr().String(), &tls.Config{MinVersion: version, MaxVersion: version, InsecureSkipVerify: true})
		if err == nil {
			err = conn.Handshake()
			conn.Close()
		}
		if there := <-served; (err == nil) != want || (there == nil) != want {
			t.Errorf("%s: %v, %v at the server, want that it is served: %v", tls.VersionName(version), err, there, want)
		}
		inner.Close()
	}
}
