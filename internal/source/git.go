package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/repository"
)

// gitProgram runs the git program in an environment of its own, in which nothing of a repository or of the machine's
// configuration is run.
type gitProgram struct {
	path string
	base []string
	// config is given by environment, so that it holds whatever a repository's own configuration says.
	config []gitSetting
}

type gitSetting struct{ key, value string }

// passedVariables are the variables of this process that git gets to see: where programs, certificates, proxies and
// temporary files are.
var passedVariables = []string{"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_EXEC_PATH", "SYSTEMROOT",
	"http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}

func newGitProgram(own bool) (*gitProgram, error) {
	path, err := exec.LookPath("git")
	if err != nil {
		return nil, errors.New("the git program is needed and not on the PATH: install git")
	}
	g := &gitProgram{path: path}
	if own {
		g.base = withoutGitVariables(os.Environ())
	} else {
		for _, name := range passedVariables {
			if v, ok := os.LookupEnv(name); ok {
				g.base = append(g.base, name+"="+v)
			}
		}
		g.base = append(g.base, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_ATTR_NOSYSTEM=1", "SSH_ASKPASS_REQUIRE=never")
		g.config = append(g.config, gitSetting{"credential.helper", ""})
	}
	g.base = append(g.base,
		"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_LITERAL_PATHSPECS=1", "GIT_PAGER=cat",
		"GIT_ALLOW_PROTOCOL="+remoteTransports())
	g.config = append(g.config,
		gitSetting{"core.hooksPath", os.DevNull}, gitSetting{"core.fsmonitor", "false"}, gitSetting{"gc.auto", "0"}, gitSetting{"core.bigFileThreshold", "64m"}, gitSetting{"maintenance.auto", "false"},
		// What a fetch brings is seen at once and whole: loose objects would come one by one, a commit before its
		// files.
		gitSetting{"fetch.unpackLimit", "1"},
		gitSetting{"fetch.recurseSubmodules", "false"}, gitSetting{"transfer.bundleURI", "false"}, gitSetting{"core.quotePath", "false"}, gitSetting{"advice.fetchShowForcedUpdates", "false"},
		// A host that sends less than this for so long is taken for gone.
		gitSetting{"http.lowSpeedLimit", "1000"}, gitSetting{"http.lowSpeedTime", "30"})
	return g, nil
}

// withoutGitVariables drops those that would point git at another repository, as a hook's environment does.
func withoutGitVariables(env []string) []string {
	kept := make([]string, 0, len(env))
	for _, v := range env {
		switch name, _, _ := strings.Cut(v, "="); name {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_COMMON_DIR",
			"GIT_TRACE", "GIT_CURL_VERBOSE", "GIT_TRACE_CURL", "GIT_TRACE_PACKET":
		default:
			kept = append(kept, v)
		}
	}
	return kept
}

// gitCall is one run of git.
type gitCall struct {
	// dir is the bare repository; empty for what needs none.
	dir  string
	args []string
	// env and config are added to those of every call.
	env    []string
	config []gitSetting
	stdin  io.Reader
	// timeout bounds the run; zero: the context alone does.
	timeout time.Duration
	// most bounds what is read from stdout, in bytes, and memory what git may take, so far as the system can hold it to
	// that; zero: nothing does.
	most, memory int64
}

// exitError is git's own failure: how it ended and what it said.
type exitError struct {
	code   int
	stderr string
	stdout string
}

func (e *exitError) Error() string { return gitMessage(e.stderr) }

// command prepares a call. It is killed with all that it started when ctx ends.
func (g *gitProgram) command(ctx context.Context, c gitCall) *exec.Cmd {
	cmd := exec.CommandContext(ctx, g.path, c.args...)
	cmd.Env = append(cmd.Env, g.base...)
	if c.dir != "" {
		cmd.Env = append(cmd.Env, "GIT_DIR="+c.dir)
		cmd.Dir = c.dir
	}
	settings := append(append([]gitSetting{}, g.config...), c.config...)
	if c.dir != "" {
		// Mirrors on a volume may belong to another user.
		settings = append(settings, gitSetting{"safe.directory", c.dir})
	}
	cmd.Env = append(cmd.Env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(settings)))
	for i, s := range settings {
		cmd.Env = append(cmd.Env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s.key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s.value))
	}
	cmd.Env = append(cmd.Env, c.env...)
	cmd.Stdin = c.stdin
	ownGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run returns what git printed on stdout. A failure of git itself is an *exitError.
func (g *gitProgram) run(ctx context.Context, c gitCall) ([]byte, error) {
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.timeout, tookTooLong(c.timeout))
		defer cancel()
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var stdout, stderr bytes.Buffer
	cmd := g.command(ctx, c)
	cmd.Stdout, cmd.Stderr = &boundedWriter{to: &stdout, most: c.most, over: stop}, &prefixWriter{keep: 64 << 10, to: &stderr}
	err := cmd.Start()
	if err == nil {
		limitMemory(cmd.Process.Pid, c.memory)
		err = cmd.Wait()
	}
	if err == nil {
		return stdout.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, &exitError{code: exit.ExitCode(), stderr: stderr.String(), stdout: stdout.String()}
	}
	return nil, fmt.Errorf("running git: %w", err)
}

// remoteTransports are what git may use unless a call is for a directory on this machine.
func remoteTransports() string {
	return strings.Join(slices.DeleteFunc(slices.Clone(repository.Transports), func(t string) bool { return t == "file" }), ":")
}

func tookTooLong(limit time.Duration) error {
	return &problem.Error{Kind: problem.Unreachable, Object: "git", Cause: "took longer than " + limit.String(), Remedy: "run again", Err: ErrUnreachable}
}

// errTooMuch is what a run of git ends with that says more than it may.
var errTooMuch = errors.New("the answer is too large")

// boundedWriter ends a run that writes too much.
type boundedWriter struct {
	to   *bytes.Buffer
	most int64
	over context.CancelCauseFunc
}

func (b *boundedWriter) Write(p []byte) (int, error) {
	if b.most > 0 && int64(b.to.Len()+len(p)) > b.most {
		b.over(errTooMuch)
		return 0, errTooMuch
	}
	return b.to.Write(p)
}

// prefixWriter keeps the first bytes of what may be endless.
type prefixWriter struct {
	keep int
	to   *bytes.Buffer
}

func (t *prefixWriter) Write(p []byte) (int, error) {
	if room := t.keep - t.to.Len(); room > 0 {
		t.to.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
