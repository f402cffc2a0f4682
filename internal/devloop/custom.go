package devloop

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// BuildCustom has the command of an artifact build and push its image, and returns what it has pushed. What the command
// prints is passed on by lines. An image that is pushed gets a tag that nothing had before: what has that afterwards is
// what this command has pushed. The tag of the request is then another one of it.
func BuildCustom(ctx context.Context, r image.Request, root string, a skaffold.Artifact, bases map[string]string, line func(string)) (image.Built, error) {
	if a.Custom.Refused {
		return image.Built{}, &problem.Error{
			Kind: problem.Refused, File: a.Position.File, Line: a.Position.Line, Object: "image " + a.Image, Cause: "not built without consent to its command",
			Remedy: "give --trust-hooks to agree, or build it with docker or ko",
		}
	}
	built, tag := image.Built{Repository: r.Repository, Tag: r.Tag}, r.Tag
	if !r.Keep {
		tag = ownTag(r.Tag)
	}
	// There may be none yet, and what is wrong with the registry is found behind the command.
	before, _ := r.Registries.Digest(ctx, r.Repository+":"+r.Tag)
	folder := filepath.Join(root, filepath.FromSlash(a.Context))
	hook := skaffold.Hook{Command: []string{"sh", "-c", a.Custom.Command}, Dir: a.Context, Position: a.Position}
	if err := RunHook(ctx, root, hook, a.Env(r.Repository, tag, cmp.Or(r.Platform, "linux/"+runtime.GOARCH), folder, !r.Keep, bases), line); err != nil {
		if ctx.Err() != nil {
			return image.Built{}, err
		}
		return image.Built{}, &problem.Error{
			Kind: problem.Negative, File: a.Position.File, Line: a.Position.Line, Object: "image " + a.Image, Cause: fmt.Sprintf("its build command failed: %v", cause(err)),
			Remedy: "correct it, or what it builds", Err: err,
		}
	}
	if r.Keep {
		return built, nil
	}
	var err error
	built.Digest, err = pushedBy(ctx, r, a, tag, before)
	return built, err
}

// pushedBy returns the digest of what a command has pushed by the tag that it was given, or else by that of the
// request, which had another image before.
func pushedBy(ctx context.Context, r image.Request, a skaffold.Artifact, tag, before string) (string, error) {
	digest, err := r.Registries.Tag(ctx, r.Repository+":"+tag, r.Repository+":"+r.Tag)
	if err == nil || ctx.Err() != nil {
		return digest, err
	}
	if other, unread := r.Registries.Digest(ctx, r.Repository+":"+r.Tag); unread == nil && other != before {
		return other, nil
	}
	return "", &problem.Error{
		Kind: problem.Negative, File: a.Position.File, Line: a.Position.Line, Object: "image " + a.Image,
		Cause:  fmt.Sprintf("its build command ended well, and what it was to push is not in the registry: %v", err),
		Remedy: "have it push $IMAGE, with the tag that this has, where $PUSH_IMAGE is true", Err: err,
	}
}

// longestTag is how long the tag of an image may be.
const longestTag = 128

// ownTag returns a tag that nothing has, which begins as another does.
func ownTag(tag string) string {
	own := "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	return tag[:min(len(tag), longestTag-len(own))] + own
}

// call decides by which tag the next image is called.
func (a *artifact) call(o *Options) {
	if a.tag == "" || a.Custom != nil || a.Hooks.Any() {
		a.tag = o.tagOf(a.Artifact)
	}
}

// cause is what a command that has failed ended with.
func cause(err error) string {
	if e := problem.Of(err); e != nil {
		return e.Cause
	}
	return err.Error()
}
