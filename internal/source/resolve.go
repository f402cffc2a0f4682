package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// resolve returns the commit that a revision names.
func (r hostedRepo) resolve(ctx context.Context, revision string) (string, error) {
	if err := checkRevision(r.name, revision); err != nil {
		return "", err
	}
	if lower := strings.ToLower(revision); objectName.MatchString(lower) {
		return r.ensureCommit(ctx, lower, "")
	}
	if revision == "" {
		revision = "HEAD"
	}
	const attempts = 3
	for attempt := 1; ; attempt++ {
		known, err := r.currentRefs(ctx)
		if err != nil {
			return "", err
		}
		name, object, ok := known.find(revision)
		switch {
		case !ok:
			return r.resolveOther(ctx, revision, known)
		case known.isAmbiguous(revision):
			return "", newError(ErrRefused, r.name, fmt.Sprintf("%q is a branch and a tag of different commits", revision), fmt.Sprintf("write refs/heads/%s or refs/tags/%s", revision, revision))
		}
		sha, err := r.ensureCommit(ctx, object, name)
		if errors.Is(err, ErrNoRevision) && attempt < attempts {
			// The branch was rewritten between the two questions.
			r.set(func() { r.refs.until = time.Time{} })
			continue
		}
		return sha, err
	}
}

// resolveOther is for what no ref is called: a short SHA, or nothing at all.
func (r hostedRepo) resolveOther(ctx context.Context, revision string, known hostRefs) (string, error) {
	if len(known.tips) == 0 {
		return "", newError(ErrNoRevision, r.name, "no commits yet", "push a first commit")
	}
	if lower := strings.ToLower(revision); shortName.MatchString(lower) {
		if sha, err := r.resolveShort(ctx, lower); err == nil {
			return sha, nil
		} else if !errors.Is(err, ErrNoRevision) {
			return "", err
		}
	}
	if revision == "HEAD" {
		return "", newError(ErrNoRevision, r.name, "HEAD points to a branch without commits", "name a branch, or set the default branch on the host")
	}
	// The name may be younger than what is known.
	if time.Since(known.asked) > 50*time.Millisecond {
		fresh, err := r.listRefs(ctx, askedSince(time.Now()))
		if err != nil {
			return "", err
		}
		if name, object, ok := fresh.find(revision); ok {
			return r.ensureCommit(ctx, object, name)
		}
	}
	if _, isRange := versionRange(revision); isRange {
		return "", newError(ErrNoRevision, r.name, fmt.Sprintf("no branch or tag %q, and none of %s is a version in that range", revision, count(known.tags(), "tag")), "push a tag such as v1.2.3, or correct the range")
	}
	tried := "branch or tag"
	if shortName.MatchString(strings.ToLower(revision)) {
		tried = "branch, tag or commit"
	}
	return "", newError(ErrNoRevision, r.name, fmt.Sprintf("%s %q not found", tried, revision), "check the spelling, or push it")
}

func (r hostedRepo) resolveShort(ctx context.Context, short string) (string, error) {
	for _, refresh := range []bool{false, true} {
		if refresh {
			if err := r.fetch(ctx, "", ""); err != nil {
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
	return "", newError(ErrNoRevision, r.name, fmt.Sprintf("no commit, or more than one, begins with %s", short), "give the full SHA")
}

// count returns a number of things: "1 tag", "2 tags".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
