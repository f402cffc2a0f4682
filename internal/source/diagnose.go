package source

import (
	"regexp"
	"slices"
	"strings"
)

// errorPattern maps what git prints, in English since it is run with LC_ALL=C, to a kind and a remedy. The first that
// fits counts.
type errorPattern struct {
	kind   error
	marks  []string
	remedy string
	// cause is in place of what git said, where that misleads.
	cause string
}

var errorPatterns = []errorPattern{
	// git would ask for what it was not given.
	{kind: ErrDenied, marks: []string{"could not read username", "terminal prompts disabled"}, cause: "credentials are required, and none are known for it",
		remedy: "add them with `cyan repo add URL --username NAME --password-stdin`"},
	{kind: ErrDenied, marks: []string{"host key verification failed", "remote host identification has changed", "no matching host key"},
		remedy: "add the host's key to known_hosts or to the ConfigMap " + KnownHostsName + ", or set insecureIgnoreHostKey"},
	{kind: ErrDenied, marks: []string{"ssl certificate problem", "certificate verify", "server certificate verification failed", "tls_"},
		remedy: "give the authority that signed the server's certificate, in the ConfigMap " + CertificatesName + ", or set insecure"},
	// A daemon of git's says no more than this; it knows no credentials.
	{kind: ErrNoRepository, marks: []string{"repository not exported"}, remedy: "check the URL, and that the daemon serves it"},
	{kind: ErrDenied, marks: []string{"authentication failed", "could not read password", "permission denied", "http basic: access denied", "error: 401", "error: 403",
		"access denied", "invalid credentials", "incorrect username or password"},
		remedy: "check the credentials of the repository and what they allow"},
	{kind: ErrDenied, marks: []string{"dubious ownership"}, remedy: "let the repository's files belong to the user that runs this program"},
	{kind: ErrNoRepository, marks: []string{"repository not found", "does not appear to be a git repository", "error: 404", "not found", "no such file or directory", "does not exist"},
		remedy: "check the URL, and that the credentials may see it"},
	{kind: ErrDenied, marks: []string{"error: 301", "error: 302", "error: 307", "error: 308", "unable to update url base from redirection"},
		remedy: "the repository has moved: give its new URL, since credentials are not sent on to another host"},
	{kind: ErrUnreachable, marks: []string{"could not resolve host", "couldn't connect", "connection refused", "connection timed out", "connection reset", "failed to connect", "operation timed out",
		"no route to host", "network is unreachable", "early eof", "rpc failed", "hung up unexpectedly", "unexpected disconnect", "empty reply from server", "operation too slow", "error: 5", "error: 429",
		"connection closed", "temporary failure in name resolution", "name or service not known", "unable to connect", "could not read from remote repository", "broken pipe", "recv failure",
		"send failure", "gnutls", "proxy"},
		remedy: "check the network and the host"},
	{kind: ErrCorrupt, marks: []string{"corrupt", "bad object", "not a git repository", "unable to read tree", "missing blob", "missing tree", "invalid object", "object file", "bad tree", "index file", "unresolved delta",
		"did not send all necessary objects", "unable to read", "premature end of pack", "packfile", "is empty", "bad ref", "broken ref"},
		remedy: "the mirror is made anew"},
}

// diagnose returns the error that git's output stands for.
func diagnose(repository, doing string, stderr string, secrets []string) error {
	cause := doing + ": " + gitMessage(redactSecrets(stderr, secrets))
	lower := strings.ToLower(stderr)
	for _, p := range errorPatterns {
		if containsAny(lower, p.marks) {
			if p.cause != "" {
				cause = doing + ": " + p.cause
			}
			return newError(p.kind, repository, cause, p.remedy)
		}
	}
	return newError(nil, repository, cause, "")
}

// gitMessage is what git said without its decoration, on one line.
func gitMessage(stderr string) string {
	var lines []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		for _, prefix := range []string{"fatal: ", "error: ", "remote: error: ", "remote: "} {
			line = strings.TrimPrefix(line, prefix)
		}
		if line == "" || strings.HasPrefix(line, "hint:") || strings.HasPrefix(line, "warning: redirecting") {
			continue
		}
		lines = append(lines, strings.TrimSuffix(line, "."))
	}
	if own := slices.DeleteFunc(slices.Clone(lines), isAdvice); len(own) < len(lines) {
		lines = append(own, lines[0])[:max(len(own), 1)]
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

// isAdvice reports whether a line is what git says after ssh has said what is wrong.
func isAdvice(line string) bool {
	return strings.HasPrefix(line, "Could not read from remote repository") || strings.HasPrefix(line, "Please make sure you have the correct access rights") ||
		line == "and the repository exists"
}

// localWords are what git, curl and ssh say by themselves. All else may be what the other end has answered, and is not
// repeated: whoever names a URL must not read what a machine says that only the server reaches.
var localWords = []*regexp.Regexp{
	regexp.MustCompile(`^unable to access '[^']*': .*`),
	regexp.MustCompile(`^Authentication failed for '[^']*'`),
	regexp.MustCompile(`^repository '[^']*' not found`),
	regexp.MustCompile(`^could not read (Username|Password) for '[^']*'(: terminal prompts disabled)?`),
	regexp.MustCompile(`^'[^']*' does not appear to be a git repository`),
	regexp.MustCompile(`Permission denied \([a-z0-9,-]*\)`),
	regexp.MustCompile(`Host key verification failed`),
	regexp.MustCompile(`(?i)remote host identification has changed`),
	regexp.MustCompile(`Could not resolve hostname [^\s:]+`),
	regexp.MustCompile(`connect to host \S+ port \d+: [A-Za-z ]+`),
	regexp.MustCompile(`(?i)(connection (closed|refused|reset|timed out)|unable to connect|no route to host|network is unreachable|early EOF|broken pipe)`),
	regexp.MustCompile(`^RPC failed; HTTP \d+ curl \d+ The requested URL returned error: \d+`),
	regexp.MustCompile(`(the remote end hung up unexpectedly|unexpected disconnect while reading sideband packet)`),
	regexp.MustCompile(`(?i)repository not (found|exported)`),
	regexp.MustCompile(`(couldn't find remote ref|not our ref)`),
	regexp.MustCompile(`unable to update url base from redirection`),
	regexp.MustCompile(`^detected dubious ownership in repository`),
	regexp.MustCompile(`(?i)(bad object|unresolved deltas|invalid object|premature end of pack|did not send all necessary objects|bad tree|missing blob|missing tree|unable to read tree|not a git repository)`),
	regexp.MustCompile(`Could not read from remote repository`),
}

// ownWords returns what of git's words is its own.
func ownWords(stderr string) string {
	var kept []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "remote: ") {
			continue
		}
		line = strings.TrimPrefix(strings.TrimPrefix(line, "fatal: "), "error: ")
		for _, words := range localWords {
			if own := words.FindString(line); own != "" {
				kept = append(kept, own)
				break
			}
		}
	}
	if len(kept) == 0 {
		return "the answer is not one of a git server"
	}
	return strings.Join(kept, "\n")
}

func redactSecrets(text string, secrets []string) string {
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
