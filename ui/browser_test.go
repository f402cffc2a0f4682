package ui_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/page"
	"github.com/cyan-cd/cyan/ui"
)

// needPage skips where the page was not built, or where there is no browser to look at it. What continuous integration
// runs has both.
func needPage(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("dist/page/index.html"); err != nil {
		t.Skip("the page is not built; run make ui")
	}
	for _, browser := range []string{"/usr/lib/chromium/chromium-headless-shell", "/usr/bin/chromium-headless-shell", "/usr/bin/chromium"} {
		if _, err := os.Stat(browser); err == nil {
			return
		}
	}
	t.Skip("no browser is installed; run hack/system-packages.sh tests")
}

// TestBrowser has a browser look at the page as the program serves it, with the answers of a world without a cluster.
func TestBrowser(t *testing.T) {
	needPage(t)
	behind := pretend(t)
	site := serve(t, behind, "/")
	for _, file := range []string{"create", "days", "keys", "page", "rollout", "views"} {
		t.Run(file, func(t *testing.T) { runNode(t, filepath.Join("test", file+".test.mjs"), "PAGE="+site) })
	}
	t.Run("below", func(t *testing.T) {
		runNode(t, filepath.Join("test", "below.test.mjs"), "PAGE="+serve(t, behind, "/team/cyan/"))
	})
}

// TestSpeed has a browser work with more than anybody has. What it asserts is how much is done, not how fast this
// machine is; the times are printed.
func TestSpeed(t *testing.T) {
	needPage(t)
	runNode(t, filepath.Join("test", "speed.test.mjs"), "PAGE="+serve(t, pretend(t, "APPLICATIONS=5000", "OBJECTS=5000"), "/"))
}

// TestTypes holds the page to the document of the API, from which the types of what is sent are made.
func TestTypes(t *testing.T) {
	needPage(t)
	check := exec.CommandContext(t.Context(), "npm", "run", "--silent", "check")
	if out, err := check.CombinedOutput(); err != nil {
		t.Fatalf("npm run check: %v\n%s", err, out)
	}
}

// TestLogic runs the tests of what the page decides.
func TestLogic(t *testing.T) {
	needPage(t)
	runNode(t, "", "")
}

// serve serves the page at a path with the headers that guard browsers, and passes on what it asks there. At /test/away
// the server behind is no longer there, at /test/back it is again.
func serve(t *testing.T, behind *url.URL, root string) string {
	t.Helper()
	files, err := page.New(ui.Files, root)
	if err != nil {
		t.Fatal(err)
	}
	var away atomic.Bool
	var server *httptest.Server
	proxy := httputil.NewSingleHostReverseProxy(behind)
	proxy.FlushInterval = -1
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	mux := http.NewServeMux()
	mux.Handle("/", files)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		proxy.ServeHTTP(w, r)
	})
	mux.HandleFunc("POST /test/away", func(http.ResponseWriter, *http.Request) {
		away.Store(true)
		go server.CloseClientConnections()
	})
	mux.HandleFunc("POST /test/back", func(http.ResponseWriter, *http.Request) { away.Store(false) })
	below := http.NewServeMux()
	below.Handle(root, http.StripPrefix(strings.TrimSuffix(root, "/"), mux))
	server = httptest.NewServer(auth.Headers(below))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL + strings.TrimSuffix(root, "/")
}

// pretend starts the world without a cluster, as large as env has it, and returns where.
func pretend(t *testing.T, env ...string) *url.URL {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	command := node(t.Context(), "node_modules/vite/bin/vite.js", "preview", "--strictPort", "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	command.Env = append(append(os.Environ(), "PRETEND=1"), env...)
	var said strings.Builder
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Cancel()
		<-ended //nolint:errcheck // it was ended here
	})
	at := &url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	for tries := time.NewTicker(100 * time.Millisecond); ; <-tries.C {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the pretended world ended: %v\n%s", err, said.String())
		default:
		}
		if answer, err := http.Get(at.String() + "/api/v1/view/me"); err == nil {
			_ = answer.Body.Close()
			tries.Stop()
			return at
		}
	}
}

// node returns a command that ends with its children when the context does.
func node(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "node", args...)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 5 * time.Second
	return command
}

// result is a line of TAP.
var result = regexp.MustCompile(`^( *)(ok|not ok) \d+ - (.*?)(?: # (?:duration_ms .*|time=.*))?$`)

// runNode runs tests that are written in JavaScript, and has each as one of Go's.
func runNode(t *testing.T, file string, env ...string) {
	t.Helper()
	args := []string{"--test", "--test-concurrency=1", "--test-reporter=tap", file}
	if file == "" {
		args = []string{"node_modules/vitest/vitest.mjs", "run", "--reporter=tap-flat"}
	}
	command := node(t.Context(), args...)
	command.Env = append(os.Environ(), env...)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	seen, err := report(t, out)
	if waited := command.Wait(); err == nil {
		err = waited
	}
	if err != nil && !t.Failed() {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	if seen == 0 {
		t.Fatalf("%s: no test ran", strings.Join(args, " "))
	}
}

// report makes a test of each result, with what was said around it where it failed.
func report(t *testing.T, out io.Reader) (int, error) {
	t.Helper()
	var name string
	var failure *strings.Builder
	// remarks are what was said between results: of what went wrong outside of any test.
	var remarks []string
	seen := 0
	flush := func() {
		if failure != nil {
			text := failure.String()
			t.Run(name, func(t *testing.T) { t.Error(text) })
			failure = nil
		}
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if said, found := strings.CutPrefix(strings.TrimSpace(lines.Text()), "# figure: "); found {
			t.Log(said)
		}
		if found := result.FindStringSubmatch(lines.Text()); found != nil {
			flush()
			seen++
			name = found[3]
			if found[2] == "ok" {
				t.Run(name, func(*testing.T) {})
			} else {
				failure = &strings.Builder{}
				failure.WriteString(strings.Join(remarks, "\n") + "\n")
			}
			remarks = nil
			continue
		}
		if strings.HasPrefix(strings.TrimSpace(lines.Text()), "# ") {
			remarks = append(remarks, lines.Text())
		}
		if failure != nil {
			failure.WriteString(lines.Text() + "\n")
		}
	}
	flush()
	return seen, lines.Err()
}
