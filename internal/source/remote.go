package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// hostedRepo is a repository at its host, and the mirror that it is read by.
type hostedRepo struct {
	*bareMirror
	repo Repository
}

// listRefs asks the host for its refs, unless someone else has just brought an answer that will do.
func (r hostedRepo) listRefs(ctx context.Context, willDo func(hostRefs) bool) (hostRefs, error) {
	if err := acquire(ctx, r.looking); err != nil {
		return hostRefs{}, err
	}
	defer func() { <-r.looking }()
	if known := r.knownRefs(); willDo(known) {
		return known, nil
	}
	a, err := r.store.access(ctx, r.repo)
	if err != nil {
		return hostRefs{}, err
	}
	// What comes over the wire is not much longer than what is printed of it.
	a.egress.bound(2*r.store.opts.MaxRefs + 1<<20)
	defer a.done()
	asked := time.Now()
	out, err := r.ask(ctx, a, gitCall{args: []string{"ls-remote", "--symref", "--quiet", "--", a.url}, timeout: r.store.opts.LookTimeout, most: r.store.opts.MaxRefs, memory: lookMemory})
	if errors.Is(err, errTooMuch) || a.egress.over() {
		return hostRefs{}, tooManyRefs(a.name, r.store.opts.MaxRefs)
	}
	if err != nil {
		return hostRefs{}, a.explain("asking for its branches and tags", err)
	}
	found, err := parseRefs(out)
	if err != nil {
		return hostRefs{}, newError(ErrUnreachable, a.name, err.Error(), "check what answers at this URL")
	}
	found.asked, found.until = asked, asked.Add(r.store.opts.TrustRefs)
	r.set(func() { r.refs = found })
	return found, nil
}

// ask runs git against the host.
func (r hostedRepo) ask(ctx context.Context, a *gitAccess, call gitCall) ([]byte, error) {
	began := time.Now()
	out, err := r.store.git.run(ctx, a.call(call))
	if r.store.opts.Asked != nil {
		r.store.opts.Asked(Asked{Repository: r.name, Operation: call.args[0], Took: time.Since(began), Failed: err != nil})
	}
	return out, err
}

// currentRefs returns the refs that are still believed, or asks.
func (r hostedRepo) currentRefs(ctx context.Context) (hostRefs, error) {
	if known := r.knownRefs(); areCurrent(known) {
		return known, nil
	}
	return r.listRefs(ctx, areCurrent)
}

// ensureCommit makes sure that object, or the commit that it is a tag of, is in the mirror. ref is the name it has on
// the host, "" for a bare SHA.
func (r hostedRepo) ensureCommit(ctx context.Context, object, ref string) (string, error) {
	sha, err := r.commitOf(ctx, object)
	if err == nil && !r.isCorrupt() {
		return sha, nil
	}
	if err != nil && !errors.Is(err, errMissing) && !errors.Is(err, ErrCorrupt) {
		return "", err
	}
	if errors.Is(err, ErrCorrupt) {
		r.markCorrupt()
	}
	if err := r.fetch(ctx, object, ref); err != nil {
		return "", err
	}
	sha, err = r.commitOf(ctx, object)
	if errors.Is(err, errMissing) {
		return "", newError(ErrNoRevision, r.name, "commit "+object+" not found", "check the SHA, or push the commit")
	}
	return sha, err
}

// fetch brings all branches and tags, unless object is there by the time it is this one's turn. What is on no branch
// and no tag is asked for by its name.
func (r hostedRepo) fetch(ctx context.Context, object, ref string) error {
	if err := acquire(ctx, r.fetching); err != nil {
		return err
	}
	defer func() { <-r.fetching }()
	unlock, err := lockFile(ctx, r.dir+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.checkSize(); err != nil {
		return err
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if object != "" {
		if _, err := r.objects.info(ctx, object); err == nil {
			return nil
		}
	}
	a, err := r.store.access(ctx, r.repo)
	if err != nil {
		return err
	}
	defer a.done()
	ctx, stop := r.watchSize(ctx)
	defer stop()
	err = r.fetchOrRepair(ctx, a)
	if errors.Is(err, errTooMuch) {
		return r.dropLarge()
	}
	if large := r.checkSize(); large != nil {
		return large
	}
	if err != nil || object == "" {
		return err
	}
	if _, err := r.objects.info(ctx, object); !errors.Is(err, errMissing) {
		return err
	}
	return r.fetchOne(ctx, a, object, ref)
}

// fetchOrRepair brings all branches and tags, into a mirror that is made anew where this one may be at fault.
func (r hostedRepo) fetchOrRepair(ctx context.Context, a *gitAccess) error {
	err := r.fetchAll(ctx, a)
	if err != nil {
		// A git that was killed leaves lock files.
		removeLeftovers(r.dir)
	}
	if err == nil || !suspectsMirror(err) || ctx.Err() != nil {
		return err
	}
	r.markCorrupt()
	if err := r.prepare(ctx); err != nil {
		return err
	}
	return r.fetchAll(ctx, a)
}

// suspectsMirror reports whether neither the host nor the network is known to be at fault. A mirror costs nothing but
// time, so it is made anew on suspicion.
func suspectsMirror(err error) bool {
	for _, other := range []error{ErrUnreachable, ErrDenied, ErrNoRepository, ErrNoRevision, ErrRefused} {
		if errors.Is(err, other) {
			return false
		}
	}
	return true
}

// fetchFlags: nothing but objects and refs is written.
var fetchFlags = []string{"fetch", "--quiet", "--force", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "--no-show-forced-updates"}

func (r hostedRepo) fetchAll(ctx context.Context, a *gitAccess) error {
	// The host's refs become files: how many there are is known before they are brought.
	if _, err := r.currentRefs(ctx); err != nil {
		return err
	}
	args := append(append([]string{}, fetchFlags...), "--prune", "--", a.url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
	if _, err := r.ask(ctx, a, gitCall{dir: r.dir, args: args, timeout: r.store.opts.FetchTimeout}); err != nil {
		return a.explain("fetching", err)
	}
	return r.repack(ctx)
}

// fetchOne asks for one commit by its name, and keeps it under a ref of ours.
func (r hostedRepo) fetchOne(ctx context.Context, a *gitAccess, object, ref string) error {
	from := object
	if strings.HasPrefix(ref, "refs/") {
		from = ref
	}
	args := append(append([]string{}, fetchFlags...), "--", a.url, "+"+from+":refs/cyan/"+object)
	_, err := r.ask(ctx, a, gitCall{dir: r.dir, args: args, timeout: r.store.opts.FetchTimeout})
	var exit *exitError
	if errors.As(err, &exit) && containsAny(strings.ToLower(exit.stderr), []string{"not our ref", "couldn't find remote ref", "unadvertised object", "no such remote ref", "missing necessary objects"}) {
		return newError(ErrNoRevision, r.name, "commit "+object+" not found", "check the SHA, or push the commit")
	}
	if err != nil {
		return a.explain("fetching "+object, err)
	}
	return nil
}

func (r hostedRepo) fetchBranch(ctx context.Context, a *gitAccess, branch string) error {
	if err := acquire(ctx, r.fetching); err != nil {
		return err
	}
	defer func() { <-r.fetching }()
	unlock, err := lockFile(ctx, r.dir+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.prepare(ctx); err != nil {
		return err
	}
	ref := "refs/heads/" + branch
	args := append(append([]string{}, fetchFlags...), "--", a.url, "+"+ref+":"+ref)
	_, err = r.ask(ctx, a, gitCall{dir: r.dir, args: args, timeout: r.store.opts.FetchTimeout})
	var exit *exitError
	if errors.As(err, &exit) && strings.Contains(exit.stderr, "couldn't find remote ref") {
		return newError(ErrNoRevision, r.name, fmt.Sprintf("branch %q not found", branch), "create and push it first")
	}
	if err != nil {
		removeLeftovers(r.dir)
		return a.explain("fetching the branch "+branch, err)
	}
	return nil
}
