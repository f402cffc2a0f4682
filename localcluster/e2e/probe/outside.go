package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

const patience = 10 * time.Second

// reachOutside adds what the tests do from a pod with other machines.
func reachOutside(mux *http.ServeMux) {
	mux.HandleFunc("/connect", func(w http.ResponseWriter, r *http.Request) {
		conn, err := net.DialTimeout("tcp", r.FormValue("to"), patience)
		if err == nil {
			_ = conn.Close()
		}
		reply(w, "connected", err)
	})
	mux.HandleFunc("/download", func(w http.ResponseWriter, r *http.Request) {
		response, err := http.Get(r.FormValue("url"))
		if err != nil {
			reply(w, "", err)
			return
		}
		defer response.Body.Close()
		sum := sha256.New()
		_, err = io.Copy(sum, response.Body)
		reply(w, hex.EncodeToString(sum.Sum(nil)), err)
	})
	// As much as is asked for, to be answered with its sum.
	mux.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.ParseInt(r.FormValue("bytes"), 10, 64)
		sum := sha256.New()
		response, err := http.Post(r.FormValue("url"), "application/octet-stream", io.TeeReader(io.LimitReader(&pattern{}, n), sum))
		if err != nil {
			reply(w, "", err)
			return
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if want := hex.EncodeToString(sum.Sum(nil)); err == nil && string(answer) != want {
			err = fmt.Errorf("sum is %s, want %s", answer, want)
		}
		reply(w, "whole", err)
	})
	mux.HandleFunc("/udp", func(w http.ResponseWriter, r *http.Request) { // says something and returns what it hears
		heard, err := sayByUDP(r.FormValue("to"), r.FormValue("text"))
		reply(w, heard, err)
	})
	// Connections, some at a time, each with an echo.
	mux.HandleFunc("/many", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		reply(w, "all", connectMany(r.FormValue("to"), n))
	})
	mux.HandleFunc("/ping", func(w http.ResponseWriter, r *http.Request) {
		reply(w, "answered", ping(r.FormValue("host")))
	})
}

// pattern is an endless stream that never repeats soon.
type pattern struct{ at uint64 }

func (p *pattern) Read(to []byte) (int, error) {
	for i := range to {
		p.at = p.at*6364136223846793005 + 1442695040888963407
		to[i] = byte(p.at >> 56)
	}
	return len(to), nil
}

func sayByUDP(to, text string) (string, error) {
	conn, err := net.Dial("udp", to)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		return "", err
	}
	heard := make([]byte, 64<<10)
	n, err := conn.Read(heard)
	return string(heard[:n]), err
}

// echoDatagrams answers each datagram with the name of this program and what was said.
func echoDatagrams() {
	socket, err := net.ListenPacket("udp", ":8080")
	if err != nil {
		fmt.Fprintln(os.Stderr, "listening for datagrams:", err)
		return
	}
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := socket.ReadFrom(buffer)
		if err != nil {
			return
		}
		_, _ = socket.WriteTo([]byte(os.Getenv("NAME")+" heard "+string(buffer[:n])), from)
	}
}

func connectMany(to string, n int) error {
	const atATime = 100
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed []string
	places := make(chan struct{}, atATime)
	for i := range n {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			if err := echo(to, fmt.Sprintf("connection %d", i)); err != nil {
				mu.Lock()
				failed = append(failed, err.Error())
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d failed: %s", len(failed), n, strings.Join(failed[:min(3, len(failed))], "; "))
	}
	return nil
}

// echo returns nil when what it sends comes back whole, once it has ended.
func echo(to, text string) error {
	conn, err := net.DialTimeout("tcp", to, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		return err
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	heard, err := io.ReadAll(conn)
	if err == nil && string(heard) != text {
		err = fmt.Errorf("said %q, heard %q", text, heard)
	}
	return err
}

func ping(host string) error {
	addr, err := net.ResolveIPAddr("ip4", host)
	if err != nil {
		return err
	}
	conn, err := icmp.ListenPacket("ip4:icmp", "0.0.0.0")
	if err != nil {
		return err
	}
	defer conn.Close()
	const number = 7
	request := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: number, Seq: number, Data: []byte("probe")}}
	data, err := request.Marshal(nil)
	if err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := conn.WriteTo(data, addr); err != nil {
		return err
	}
	answer := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(answer)
		if err != nil {
			return err
		}
		message, err := icmp.ParseMessage(1, answer[:n])
		if err != nil || from.String() != addr.String() {
			continue
		}
		if got, ok := message.Body.(*icmp.Echo); ok && message.Type == ipv4.ICMPTypeEchoReply && got.ID == number && string(got.Data) == "probe" {
			return nil
		}
	}
}
