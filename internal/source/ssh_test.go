package source_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// sshHost serves the repositories of this machine to the holder of a key.
type sshHost struct {
	// address is host:port, known its line of known_hosts, key what opens it, in OpenSSH's format.
	address, known, key string
}

func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

func serveSSH(t *testing.T) sshHost {
	t.Helper()
	host, _ := newKey(t)
	user, key := newKey(t)
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, offered ssh.PublicKey) (*ssh.Permissions, error) {
		if string(offered.Marshal()) != string(user.PublicKey().Marshal()) {
			return nil, errors.New("another key")
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	address := listen(t, func(conn net.Conn) { serveConnection(conn, config) })
	return sshHost{address: address, known: knownhosts.Line([]string{address}, host.PublicKey()), key: key}
}

// listen hands every connection to serve, and closes it afterwards.
func listen(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

func serveConnection(conn net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, asked, err := offered.Accept()
		if err != nil {
			return
		}
		go serveChannel(channel, asked)
	}
}

// serveChannel runs the two programs of git that a push and a fetch ask for.
func serveChannel(channel ssh.Channel, asked <-chan *ssh.Request) {
	defer channel.Close()
	for request := range asked {
		if request.Type != "exec" {
			_ = request.Reply(request.Type == "env", nil)
			continue
		}
		_ = request.Reply(true, nil)
		program, path, _ := strings.Cut(string(request.Payload[4:]), " ")
		if program != "git-upload-pack" && program != "git-receive-pack" {
			return
		}
		cmd := exec.Command("git", strings.TrimPrefix(program, "git-"), strings.Trim(path, "'"))
		cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
		input, err := cmd.StdinPipe()
		if err != nil {
			return
		}
		// The program may end before its input does.
		go func() {
			_, _ = io.Copy(input, channel)
			_ = input.Close()
		}()
		status := uint32(0)
		if cmd.Run() != nil {
			status = 1
		}
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
		return
	}
}

// byName has the host's name in the place of its address.
func byName(text string) string { return strings.Replace(text, "127.0.0.1", "localhost", 1) }

func TestOverSSH(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("there is no ssh on this machine: apt-get install openssh-client")
	}
	host := serveSSH(t)
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	_, otherKey := newKey(t)
	_, elsewhere, _ := strings.Cut(serveSSH(t).known, " ")
	wrongHost := strings.Fields(host.known)[0] + " " + elsewhere
	url := "ssh://git@" + host.address + repo.Bare
	for _, c := range []struct {
		name        string
		credentials source.Credentials
		url         string
		want        error
		says        string
	}{
		{"its key, and a host that is known", source.Credentials{SSHPrivateKey: host.key, SSHKnownHosts: host.known}, url, nil, ""},
		{"a name, and a host that is known by it", source.Credentials{SSHPrivateKey: host.key, SSHKnownHosts: byName(host.known)}, byName(url), nil, ""},
		{"with the line ends of another system", source.Credentials{SSHPrivateKey: strings.ReplaceAll(host.key, "\n", "\r\n"), SSHKnownHosts: host.known}, url, nil, ""},
		{"a host that nobody checks", source.Credentials{SSHPrivateKey: host.key, InsecureIgnoreHostKey: true}, url, nil, ""},
		{"a host that nobody knows", source.Credentials{SSHPrivateKey: host.key, SSHKnownHosts: "git.example " + elsewhere}, url, source.ErrDenied, "known_hosts"},
		{"a host that is another", source.Credentials{SSHPrivateKey: host.key, SSHKnownHosts: wrongHost}, url, source.ErrDenied, "known_hosts"},
		{"another key", source.Credentials{SSHPrivateKey: otherKey, SSHKnownHosts: host.known}, url, source.ErrDenied, "credentials"},
		{"no repository", source.Credentials{SSHPrivateKey: host.key, SSHKnownHosts: host.known}, "ssh://git@" + host.address + "/nowhere.git", source.ErrNoRepository, "check the URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := open(t, source.Options{}).Resolve(t.Context(), source.Repository{URL: c.url, Credentials: c.credentials}, "main")
			if !errors.Is(err, c.want) || c.want == nil && got != sha {
				t.Fatalf("%q, %v; want %v", got, err, c.want)
			}
			if err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "PRIVATE KEY")) {
				t.Error(err)
			}
		})
	}
}
