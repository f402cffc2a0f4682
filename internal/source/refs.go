package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// refs is what ls-remote said.
type refs struct {
	// head is the branch that HEAD points to, such as refs/heads/main, and heads its commit under the name HEAD.
	head string
	// tips are names → commits; a tag that is an object of its own has its commit under name^{}.
	tips map[string]string
	// asked is when the question was put; until is how long the answer is believed.
	asked time.Time
	until time.Time
	// sum names the answer.
	sum [sha256.Size]byte
}

var objectName = regexp.MustCompile(`^[0-9a-f]{40}$`)

// parseRefs reads the output of ls-remote --symref. Lines that are neither refs nor symrefs are errors: half an answer must not look like deleted branches.
func parseRefs(out []byte) (refs, error) {
	r := refs{tips: map[string]string{}, sum: sha256.Sum256(out)}
	for line := range bytes.Lines(out) {
		value, name, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), "\t")
		if target, symbolic := strings.CutPrefix(value, "ref: "); ok && symbolic {
			if name == "HEAD" {
				r.head = target
			}
			continue
		}
		if !ok || !objectName.MatchString(value) || name == "" {
			return refs{}, fmt.Errorf("reading the answer of ls-remote: %.100q is no ref", line)
		}
		r.tips[name] = value
	}
	return r, nil
}

// find gives the object that a revision names: HEAD, a full ref name, a branch, a tag, in this order.
func (r refs) find(revision string) (name, object string, ok bool) {
	candidates := []string{"refs/heads/" + revision, "refs/tags/" + revision}
	switch {
	case revision == "HEAD":
		candidates = []string{"HEAD"}
	case strings.HasPrefix(revision, "refs/"):
		candidates = append([]string{revision}, candidates...)
	}
	for _, name := range candidates {
		if object, ok := r.tips[name+"^{}"]; ok {
			return name, object, true
		}
		if object, ok := r.tips[name]; ok {
			return name, object, true
		}
	}
	return "", "", false
}

// askedSince accepts answers to questions that were put after an instant: they tell of all that was pushed before it.
func askedSince(since time.Time) func(refs) bool {
	return func(r refs) bool { return !r.asked.IsZero() && !r.asked.Before(since) }
}

// believed accepts answers that are young enough.
func believed(r refs) bool { return time.Now().Before(r.until) }

// look asks the host for its refs, unless someone else has just brought an answer that will do.
func (m *Mirrors) look(ctx context.Context, r *mirror, repo Repository, willDo func(refs) bool) (refs, error) {
	if err := hold(ctx, r.looking); err != nil {
		return refs{}, err
	}
	defer func() { <-r.looking }()
	r.mu.Lock()
	known := r.refs
	r.mu.Unlock()
	if willDo(known) {
		return known, nil
	}
	a, err := m.access(repo)
	if err != nil {
		return refs{}, err
	}
	defer a.done()
	asked := time.Now()
	out, err := m.git.run(ctx, a.call(call{args: []string{"ls-remote", "--symref", "--quiet", "--", a.url}, timeout: m.opts.LookTimeout}))
	if err != nil {
		return refs{}, a.explain("asking for its branches and tags", err)
	}
	found, err := parseRefs(out)
	if err != nil {
		return refs{}, &Error{Kind: ErrUnreachable, Repository: a.name, Problem: err.Error(), Remedy: "it is tried again"}
	}
	found.asked, found.until = asked, asked.Add(m.opts.TrustRefs)
	r.set(func() { r.refs = found })
	return found, nil
}

// known gives the refs that are still believed, or asks.
func (m *Mirrors) known(ctx context.Context, r *mirror, repo Repository) (refs, error) {
	r.mu.Lock()
	known := r.refs
	r.mu.Unlock()
	if believed(known) {
		return known, nil
	}
	return m.look(ctx, r, repo, believed)
}

// Refresh asks the host for its refs now, so that the next Resolve knows what was pushed until this moment.
func (m *Mirrors) Refresh(ctx context.Context, repo Repository) error {
	r, err := m.mirror(repo)
	if err != nil {
		return err
	}
	_, err = m.look(ctx, r, repo, askedSince(time.Now()))
	return err
}

// explain gives git's failure the repository's name, a kind and a remedy.
func (a *access) explain(doing string, err error) error {
	var exit *exitError
	if errors.As(err, &exit) {
		return diagnose(a.name, doing, exit.stderr, a.secrets)
	}
	if errors.Is(err, ErrUnreachable) {
		return &Error{Kind: ErrUnreachable, Repository: a.name, Problem: doing + ": " + err.Error(), Remedy: "it is tried again; check the network and the host"}
	}
	return fmt.Errorf("repository %s: %s: %w", a.name, doing, err)
}
