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

// BuildCustom has the command of an artifact build and push its image by the name of a request, and returns what is in
// the registry afterwards. What the command prints is passed on by lines.
func BuildCustom(ctx context.Context, r image.Request, root string, a skaffold.Artifact, bases map[string]string, line func(string)) (image.Built, error) {
	if a.Custom.Refused {
		return image.Built{}, &problem.Error{
			Kind: problem.Refused, File: a.Position.File, Line: a.Position.Line, Object: "image " + a.Image, Cause: "not built without consent to its command",
			Remedy: "give --trust-hooks to agree, or build it with docker or ko",
		}
	}
	ref := r.Repository + ":" + r.Tag
	// There may be none yet, and what is wrong with the registry is found behind the command.
	before, _ := r.Registries.Digest(ctx, ref)
	folder := filepath.Join(root, filepath.FromSlash(a.Context))
	hook := skaffold.Hook{Command: []string{"sh", "-c", a.Custom.Command}, Dir: a.Context, Position: a.Position}
	if err := RunHook(ctx, root, hook, a.Env(r.Repository, r.Tag, cmp.Or(r.Platform, "linux/"+runtime.GOARCH), folder, !r.Keep, bases), line); err != nil {
		if ctx.Err() != nil {
			return image.Built{}, err
		}
		return image.Built{}, &problem.Error{
			Kind: problem.Negative, File: a.Position.File, Line: a.Position.Line, Object: "image " + a.Image, Cause: fmt.Sprintf("its build command failed: %v", cause(err)),
			Remedy: "correct it, or what it builds", Err: err,
		}
	}
	built := image.Built{Repository: r.Repository, Tag: r.Tag}
	if r.Keep {
		return built, nil
	}
	digest, err := r.Registries.Digest(ctx, ref)
	if err != nil {
		return image.Built{}, &problem.Error{
			Kind: problem.Negative, File: a.Position.File, Line: a.Position.Line, Object: "image " + a.Image, Cause: fmt.Sprintf("its build command ended well, and %s is not in the registry: %v", ref, err),
			Remedy: "have it push $IMAGE where $PUSH_IMAGE is true", Err: err,
		}
	}
	if digest == before {
		line(fmt.Sprintf("%s is as it was before the command: either that makes the same image, or it has pushed none", ref))
	}
	built.Digest = digest
	return built, nil
}

// call decides by which tag the next image is called. One that a command builds gets a tag that nothing has, where
// nobody has chosen one: what has the tag afterwards is what the command has pushed.
func (a *artifact) call(o *Options) {
	switch {
	case a.Custom != nil && o.Tag == nil:
		a.tag = o.tagOf(a.Artifact) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	case a.tag == "" || a.Custom != nil || a.Hooks.Any():
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
