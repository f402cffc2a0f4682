package source

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

var (
	shortName = regexp.MustCompile(`^[0-9a-f]{7,39}$`)
	// refName is narrower than git's own rule and holds every name that people give to branches and tags.
	badRefName = regexp.MustCompile(`[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/$|^/|\.lock$|\.$`)
)

// checkRevision refuses what git would read as an option or as an expression.
func checkRevision(repository, revision string) error {
	if strings.HasPrefix(revision, "-") || badRefName.MatchString(revision) || len(revision) > 1024 {
		return &Error{Kind: ErrRefused, Repository: repository, Problem: fmt.Sprintf("%.200q cannot be a revision", revision), Remedy: "give a branch, a tag, a full commit SHA or HEAD"}
	}
	return nil
}

// Resolve gives the commit that a revision names: "" and HEAD the default branch's, else a branch, a tag, or a SHA. It fetches only when the commit is not in the mirror yet;
// a full SHA that is there asks nobody.
func (m *Mirrors) Resolve(ctx context.Context, repo Repository, revision string) (string, error) {
	r, err := m.mirror(repo)
	if err != nil {
		return "", err
	}
	if err := checkRevision(r.name, revision); err != nil {
		return "", err
	}
	if lower := strings.ToLower(revision); objectName.MatchString(lower) {
		return m.ensureCommit(ctx, r, repo, lower, "")
	}
	if revision == "" {
		revision = "HEAD"
	}
	const attempts = 3
	for attempt := 1; ; attempt++ {
		known, err := m.known(ctx, r, repo)
		if err != nil {
			return "", err
		}
		name, object, ok := known.find(revision)
		if !ok {
			return m.resolveRare(ctx, r, repo, revision, known)
		}
		sha, err := m.ensureCommit(ctx, r, repo, object, name)
		if errors.Is(err, ErrNoRevision) && attempt < attempts {
			// The branch was rewritten between the two questions.
			r.set(func() { r.refs.until = time.Time{} })
			continue
		}
		return sha, err
	}
}

// resolveRare is for what no ref is called: a short SHA, or nothing at all.
func (m *Mirrors) resolveRare(ctx context.Context, r *mirror, repo Repository, revision string, known refs) (string, error) {
	if len(known.tips) == 0 {
		return "", &Error{Kind: ErrNoRevision, Repository: r.name, Problem: "it has no commits", Remedy: "push a first commit"}
	}
	if lower := strings.ToLower(revision); shortName.MatchString(lower) {
		if sha, err := m.resolveShort(ctx, r, repo, lower); err == nil {
			return sha, nil
		} else if !errors.Is(err, ErrNoRevision) {
			return "", err
		}
	}
	if revision == "HEAD" {
		return "", &Error{Kind: ErrNoRevision, Repository: r.name, Problem: "its HEAD points to a branch without commits", Remedy: "name a branch, or set the default branch on the host"}
	}
	// The name may be younger than what is known.
	if time.Since(known.asked) > 50*time.Millisecond {
		fresh, err := m.look(ctx, r, repo, askedSince(time.Now()))
		if err != nil {
			return "", err
		}
		if name, object, ok := fresh.find(revision); ok {
			return m.ensureCommit(ctx, r, repo, object, name)
		}
	}
	return "", &Error{Kind: ErrNoRevision, Repository: r.name, Problem: fmt.Sprintf("it has no branch, tag or commit %q", revision), Remedy: "check the spelling, or push it"}
}

func (m *Mirrors) resolveShort(ctx context.Context, r *mirror, repo Repository, short string) (string, error) {
	for _, refresh := range []bool{false, true} {
		if refresh {
			if err := m.fetch(ctx, r, repo, "", ""); err != nil {
				return "", err
			}
		}
		info, err := r.objects.info(ctx, short+"^{commit}")
		if err == nil {
			return info.name, nil
		}
		if !errors.Is(err, errMissing) {
			return "", err
		}
	}
	return "", &Error{Kind: ErrNoRevision, Repository: r.name, Problem: fmt.Sprintf("no commit, or more than one, begins with %s", short), Remedy: "give the full SHA"}
}

// ensureCommit makes sure that object, or the commit that it is a tag of, is in the mirror. ref is the name it has on the host, "" for a bare SHA.
func (m *Mirrors) ensureCommit(ctx context.Context, r *mirror, repo Repository, object, ref string) (string, error) {
	sha, err := r.commitOf(ctx, object)
	if err == nil && !r.isDamaged() {
		return sha, nil
	}
	if err != nil && !errors.Is(err, errMissing) && !errors.Is(err, ErrCorrupt) {
		return "", err
	}
	if errors.Is(err, ErrCorrupt) {
		r.blame()
	}
	if err := m.fetch(ctx, r, repo, object, ref); err != nil {
		return "", err
	}
	sha, err = r.commitOf(ctx, object)
	if errors.Is(err, errMissing) {
		return "", &Error{Kind: ErrNoRevision, Repository: r.name, Problem: "it has no commit " + object, Remedy: "check the SHA, or push the commit"}
	}
	return sha, err
}

// commitOf peels tags. It gives errMissing when the object is not in the mirror.
func (r *mirror) commitOf(ctx context.Context, object string) (string, error) {
	info, err := r.objects.info(ctx, object+"^{commit}")
	if err == nil {
		return info.name, nil
	}
	if !errors.Is(err, errMissing) {
		return "", err
	}
	if other, err := r.objects.info(ctx, object); err == nil && other.kind != "commit" && other.kind != "tag" {
		return "", &Error{Kind: ErrNoRevision, Repository: r.name, Problem: fmt.Sprintf("%s is a %s and no commit", object, other.kind), Remedy: "give a commit"}
	}
	return "", errMissing
}

// fetch brings all branches and tags, unless object is there by the time it is this one's turn. What is on no branch and no tag is asked for by its name.
func (m *Mirrors) fetch(ctx context.Context, r *mirror, repo Repository, object, ref string) error {
	if err := hold(ctx, r.fetching); err != nil {
		return err
	}
	defer func() { <-r.fetching }()
	unlock, err := lockFile(ctx, r.dir+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if err := m.prepare(ctx, r); err != nil {
		return err
	}
	if object != "" {
		if _, err := r.objects.info(ctx, object); err == nil {
			return nil
		}
	}
	a, err := m.access(repo)
	if err != nil {
		return err
	}
	defer a.done()
	if err = m.fetchAll(ctx, r, a); err != nil {
		// A git that was killed leaves lock files.
		removeLeftovers(r.dir)
	}
	if err != nil && blamesMirror(err) && ctx.Err() == nil {
		r.blame()
		if err = m.prepare(ctx, r); err == nil {
			err = m.fetchAll(ctx, r, a)
		}
	}
	if err != nil || object == "" {
		return err
	}
	if _, err := r.objects.info(ctx, object); !errors.Is(err, errMissing) {
		return err
	}
	return m.fetchOne(ctx, r, a, object, ref)
}

// blamesMirror says that neither the host nor the network is known to be at fault. A mirror costs nothing but time, so it is made anew on suspicion.
func blamesMirror(err error) bool {
	for _, other := range []error{ErrUnreachable, ErrDenied, ErrNoRepository, ErrNoRevision, ErrRefused} {
		if errors.Is(err, other) {
			return false
		}
	}
	return true
}

// fetchFlags: nothing but objects and refs is written.
var fetchFlags = []string{"fetch", "--quiet", "--force", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "--no-show-forced-updates"}

func (m *Mirrors) fetchAll(ctx context.Context, r *mirror, a *access) error {
	args := append(append([]string{}, fetchFlags...), "--prune", "--", a.url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
	if _, err := m.git.run(ctx, a.call(call{dir: r.dir, args: args, timeout: m.opts.FetchTimeout})); err != nil {
		return a.explain("fetching", err)
	}
	return m.tidy(ctx, r)
}

// fetchOne asks for one commit by its name, and keeps it under a ref of ours.
func (m *Mirrors) fetchOne(ctx context.Context, r *mirror, a *access, object, ref string) error {
	from := object
	if strings.HasPrefix(ref, "refs/") {
		from = ref
	}
	args := append(append([]string{}, fetchFlags...), "--", a.url, "+"+from+":refs/cyan/"+object)
	_, err := m.git.run(ctx, a.call(call{dir: r.dir, args: args, timeout: m.opts.FetchTimeout}))
	var exit *exitError
	if errors.As(err, &exit) && containsAny(strings.ToLower(exit.stderr), []string{"not our ref", "couldn't find remote ref", "unadvertised object", "no such remote ref", "missing necessary objects"}) {
		return &Error{Kind: ErrNoRevision, Repository: r.name, Problem: "it has no commit " + object, Remedy: "check the SHA, or push the commit"}
	}
	if err != nil {
		return a.explain("fetching "+object, err)
	}
	return nil
}

// tidy packs what many fetches left, when it has become much: small packs into larger ones, and loose objects, of which only commits that were pushed back make some, with the rest.
func (m *Mirrors) tidy(ctx context.Context, r *mirror) error {
	packs, _ := filepath.Glob(filepath.Join(r.dir, "objects", "pack", "*.pack"))
	loose, _ := filepath.Glob(filepath.Join(r.dir, "objects", "17", "*"))
	const manyPacks, manyLoose = 40, 24 // of 256 folders: about 6000 loose objects
	var args []string
	switch {
	case len(loose) >= manyLoose:
		args = []string{"gc", "--quiet"}
	case len(packs) >= manyPacks:
		args = []string{"repack", "--quiet", "-d", "--geometric=2"}
	default:
		return nil
	}
	if _, err := m.git.run(ctx, call{dir: r.dir, args: args, timeout: m.opts.FetchTimeout}); err != nil {
		r.blame()
		return fmt.Errorf("%w: packing the mirror of %s: %w", ErrCorrupt, r.name, err)
	}
	return nil
}
