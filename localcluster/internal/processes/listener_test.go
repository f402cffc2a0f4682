package processes

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestListening: what listens at 127.0.0.1 or everywhere is found in the kernel's tables, and nothing else.
func TestListening(t *testing.T) {
	const heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	line := func(address, state, inode string) string {
		return "   0: " + address + " 00000000:0000 " + state + " 00000000:00000000 00:00000000 00000000     0        0 " + inode + " 1 0 100 0 0 10 0\n"
	}
	for name, c := range map[string]struct{ line, want string }{
		"this machine alone":       {line("0100007F:0050", "0A", "11"), "11"},
		"all addresses":            {line("00000000:0050", "0A", "12"), "12"},
		"all, IPv6":                {line("00000000000000000000000000000000:0050", "0A", "13"), "13"},
		"this machine within IPv6": {line("0000000000000000FFFF00000100007F:0050", "0A", "14"), "14"},
		"IPv6 alone":               {line("00000000000000000000000001000000:0050", "0A", "15"), ""},
		"another address":          {line("0200007F:0050", "0A", "16"), ""},
		"another port":             {line("0100007F:0051", "0A", "17"), ""},
		"a connection":             {line("0100007F:0050", "01", "18"), ""},
		"no address":               {line("zz:0050", "0A", "19"), ""},
		"half a line":              {"   0: 0100007F:0050\n", ""},
	} {
		if got := strings.Join(listening(heading+c.line, 80), ","); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// TestListenerOf: whoever listens is named, and how to get the port.
func TestListenerOf(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	got, known := ListenerOf(port)
	if !known || got.PID != os.Getpid() || got.Name != strings.TrimSpace(string(comm)) || got.Cluster != "" {
		t.Errorf("got %+v, %t; want this process", got, known)
	}
	_ = listener.Close()
	if got, known := ListenerOf(port); known {
		t.Errorf("after it was closed: got %+v", got)
	}
	for _, c := range []struct {
		of           Listener
		text, remedy string
	}{
		{Listener{PID: 7, Name: "nginx"}, "nginx (process 7)", "end that program"},
		{Listener{PID: 8, Name: "cyan-local", Cluster: filepath.FromSlash("/d/c")}, "the local cluster in /d/c", "stop that with `cyan local down --dir /d/c`"},
	} {
		if c.of.String() != c.text || c.of.Remedy() != c.remedy {
			t.Errorf("got %q, %q; want %q, %q", c.of, c.of.Remedy(), c.text, c.remedy)
		}
	}
}
