package source

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong, for errors.Is. ErrUnreachable and ErrBusy pass by themselves; the others stay until someone changes something.
var (
	// ErrUnreachable: the host does not answer, or breaks off.
	ErrUnreachable = errors.New("unreachable")
	// ErrDenied: the host wants other credentials, or its own identity was not believed.
	ErrDenied = errors.New("access denied")
	// ErrNoRepository: there is no such repository, or the credentials do not show it.
	ErrNoRepository = errors.New("no such repository")
	// ErrNoRevision: the repository has no such branch, tag or commit.
	ErrNoRevision = errors.New("no such revision")
	// ErrRefused: a URL, revision or path that is never used.
	ErrRefused = errors.New("refused")
	// ErrPushRefused: the host takes the connection and not the commit.
	ErrPushRefused = errors.New("push refused")
	// ErrBusy: someone else's push came first, every time.
	ErrBusy = errors.New("busy")
	// ErrUncertain: the host broke off before it said whether it has the commit, and could not be asked.
	ErrUncertain = errors.New("whether the commit arrived there is not known; to run again is safe")
	// ErrCorrupt: the mirror is damaged. It is made anew with the next fetch.
	ErrCorrupt = errors.New("damaged mirror")
)

// Error is what went wrong with a repository, for a reader: object, cause, remedy.
type Error struct {
	// Kind is one of the errors above, or nil.
	Kind error
	// Repository is its URL without secrets.
	Repository string
	// Problem is the cause, and Remedy what to do; both without secrets.
	Problem string
	Remedy  string
}

// Error is one line.
func (e *Error) Error() string {
	s := fmt.Sprintf("repository %s: %s", e.Repository, e.Problem)
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }

// IsTemporary says that trying again later, with nothing changed, makes sense.
func IsTemporary(err error) bool { return errors.Is(err, ErrUnreachable) || errors.Is(err, ErrBusy) }

// symptom maps what git prints, in English since it is run with LC_ALL=C, to a kind and a remedy. The first that fits counts.
type symptom struct {
	kind   error
	marks  []string
	remedy string
}

var symptoms = []symptom{
	{ErrDenied, []string{"host key verification failed", "remote host identification has changed", "no matching host key"},
		"add the host's key to known_hosts or to the ConfigMap " + KnownHostsName + ", or set insecureIgnoreHostKey"},
	{ErrDenied, []string{"ssl certificate problem", "certificate verify", "server certificate verification failed", "tls_"},
		"give the authority that signed the server's certificate, in the ConfigMap " + CertificatesName + ", or set insecure"},
	// A daemon of git's says no more than this; it knows no credentials.
	{ErrNoRepository, []string{"repository not exported"}, "check the URL, and that the daemon serves it"},
	{ErrDenied, []string{"authentication failed", "could not read username", "could not read password", "permission denied", "http basic: access denied", "error: 401", "error: 403",
		"terminal prompts disabled", "access denied", "invalid credentials", "incorrect username or password"},
		"check the credentials of the repository and what they allow"},
	{ErrDenied, []string{"dubious ownership"}, "let the repository's files belong to the user that runs this program"},
	{ErrNoRepository, []string{"repository not found", "does not appear to be a git repository", "error: 404", "not found", "no such file or directory", "does not exist"},
		"check the URL, and that the credentials may see it"},
	{ErrDenied, []string{"error: 301", "error: 302", "error: 307", "error: 308", "unable to update url base from redirection"},
		"the repository has moved: give its new URL, since credentials are not sent on to another host"},
	{ErrUnreachable, []string{"could not resolve host", "couldn't connect", "connection refused", "connection timed out", "connection reset", "failed to connect", "operation timed out",
		"no route to host", "network is unreachable", "early eof", "rpc failed", "hung up unexpectedly", "unexpected disconnect", "empty reply from server", "operation too slow", "error: 5", "error: 429",
		"connection closed", "temporary failure in name resolution", "name or service not known", "unable to connect", "could not read from remote repository", "broken pipe", "recv failure",
		"send failure", "gnutls", "proxy"},
		"it is tried again; check the network and the host"},
	{ErrCorrupt, []string{"corrupt", "bad object", "not a git repository", "unable to read tree", "missing blob", "missing tree", "invalid object", "object file", "bad tree", "index file", "unresolved delta",
		"did not send all necessary objects", "unable to read", "premature end of pack", "packfile", "is empty", "bad ref", "broken ref"},
		"the mirror is made anew"},
}

// diagnose makes an Error of what git printed.
func diagnose(repository, doing string, stderr string, secrets []string) *Error {
	lower := strings.ToLower(stderr)
	e := &Error{Repository: repository}
	for _, s := range symptoms {
		if containsAny(lower, s.marks) {
			e.Kind, e.Remedy = s.kind, s.remedy
			break
		}
	}
	e.Problem = doing + ": " + essence(redact(stderr, secrets))
	return e
}

// essence is what git said without its decoration, on one line.
func essence(stderr string) string {
	var lines []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		for _, prefix := range []string{"fatal: ", "error: ", "remote: error: ", "remote: "} {
			line = strings.TrimPrefix(line, prefix)
		}
		if line == "" || strings.HasPrefix(line, "hint:") || strings.HasPrefix(line, "warning: redirecting") {
			continue
		}
		lines = append(lines, line)
	}
	const most = 6
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	if len(lines) == 0 {
		return "git gave no reason"
	}
	return strings.Join(lines, ". ")
}

func redact(text string, secrets []string) string {
	for _, s := range secrets {
		if len(s) > 3 {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return withoutSecrets(text)
}

func containsAny(text string, marks []string) bool {
	for _, m := range marks {
		if strings.Contains(text, m) {
			return true
		}
	}
	return false
}
