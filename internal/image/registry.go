package image

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/cyan-cd/cyan/internal/problem"
)

// Registries are where images are looked for, and how the registries are spoken to.
type Registries struct {
	// Mirrors are host:port of registries that are looked up first, for every image whatever registry its name has,
	// as the local cluster does.
	Mirrors []string
	// Keychain holds the credentials; nil means those of this user's local clusters and of `docker login`.
	Keychain authn.Keychain
	// Insecure lets registries other than those of this machine be spoken to over plain HTTP.
	Insecure bool
	// InsecureHosts are host:port of those that may be, where not all of them are.
	InsecureHosts []string
}

// askTimeout bounds a question to a registry.
const askTimeout = 30 * time.Second

// nameOptions are those by which the name of an image is read, with its registry.
func (r Registries) nameOptions(ref string) []name.Option {
	options := []name.Option{name.WeakValidation}
	if r.insecure(ref) {
		options = append(options, name.Insecure)
	}
	return options
}

// insecure reports whether the registry of an image may be spoken to over plain HTTP, wherever it is.
func (r Registries) insecure(ref string) bool {
	host, _, within := strings.Cut(ref, "/")
	return r.Insecure || within && slices.Contains(r.InsecureHosts, host)
}

func (r Registries) keychain() authn.Keychain {
	if r.Keychain != nil {
		return r.Keychain
	}
	return authn.NewMultiKeychain(newLocalLogins(), authn.DefaultKeychain)
}

func (r Registries) options(ctx context.Context) []remote.Option {
	return []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(r.keychain()), remote.WithJobs(4), remote.WithUserAgent("cyan")}
}

// ParseRepository checks the name of a repository, such as registry:5000/team/app. A tag or a digest in it is an
// error.
func ParseRepository(repository string) error {
	if _, err := name.NewRepository(repository, name.WeakValidation); err != nil || strings.HasPrefix(repository, "-") || strings.Contains(repository, "@") {
		return &problem.Error{Kind: problem.Usage, Object: fmt.Sprintf("image %q", repository), Cause: "invalid name of a repository", Remedy: "write it as HOST/PATH, in small letters, without tag and digest"}
	}
	return nil
}

// Find returns where an image is: its name in the first registry that has it, and its digest. Mirrors are asked
// before the registry of its name.
func (r Registries) Find(ctx context.Context, ref string) (found, digest string, err error) {
	parsed, err := name.ParseReference(ref, r.nameOptions(ref)...)
	if err != nil {
		return "", "", &problem.Error{Err: ErrBaseMissing, Object: fmt.Sprintf("image %q", ref), Cause: "invalid name of an image", Remedy: "correct it"}
	}
	separator := ":"
	if strings.Contains(parsed.Identifier(), ":") {
		separator = "@"
	}
	places := make([]string, 0, len(r.Mirrors)+1)
	for _, mirror := range r.Mirrors {
		places = append(places, mirror+"/"+parsed.Context().RepositoryStr()+separator+parsed.Identifier())
	}
	places = append(places, parsed.Name())
	var reasons []string
	for _, place := range places {
		digest, err := r.Digest(ctx, place)
		if err == nil {
			return place, digest, nil
		}
		reasons = append(reasons, reason(place, err))
	}
	return "", "", &problem.Error{Err: ErrBaseMissing, Object: "image " + ref, Cause: strings.Join(reasons, ", ")}
}

func reason(place string, err error) string {
	host, _, _ := strings.Cut(place, "/")
	var refused *transport.Error
	if errors.As(err, &refused) {
		if refused.StatusCode == http.StatusNotFound {
			return host + " does not have it"
		}
		return fmt.Sprintf("%s answers %d", host, refused.StatusCode)
	}
	return host + " cannot be reached"
}

// Digest asks a registry for an image's digest.
func (r Registries) Digest(ctx context.Context, ref string) (string, error) {
	parsed, err := name.ParseReference(ref, r.nameOptions(ref)...)
	if err != nil {
		return "", fmt.Errorf("asking for the image %q: %w", ref, err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	head, err := remote.Head(parsed, r.options(ctx)...)
	if err != nil {
		return "", fmt.Errorf("asking for the image %s: %w", ref, err)
	}
	return head.Digest.String(), nil
}

// Tag adds another tag of its repository to an image, and returns its digest.
func (r Registries) Tag(ctx context.Context, ref, as string) (string, error) {
	parsed, err := name.ParseReference(ref, r.nameOptions(ref)...)
	if err != nil {
		return "", fmt.Errorf("asking for the image %q: %w", ref, err)
	}
	tag, err := name.NewTag(as, r.nameOptions(as)...)
	if err != nil {
		return "", fmt.Errorf("tagging the image %q: %w", as, err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	found, err := remote.Get(parsed, r.options(ctx)...)
	if err != nil {
		return "", fmt.Errorf("asking for the image %s: %w", ref, err)
	}
	if err := remote.Tag(tag, found, r.options(ctx)...); err != nil {
		return "", pushError(as, err)
	}
	return found.Digest.String(), nil
}

// push writes an image under a tag and returns nothing but what went wrong, for a reader.
func (r Registries) push(ctx context.Context, ref string, img v1.Image) error {
	parsed, err := name.NewTag(ref, r.nameOptions(ref)...)
	if err != nil {
		return fmt.Errorf("pushing the image %q: %w", ref, err)
	}
	if err := remote.Write(parsed, img, r.options(ctx)...); err != nil {
		return pushError(ref, err)
	}
	return nil
}

// checkPush returns why an image could not be pushed under a tag, before there is one.
func (r Registries) checkPush(ctx context.Context, ref string) error {
	parsed, err := name.NewTag(ref, r.nameOptions(ref)...)
	if err != nil {
		return fmt.Errorf("pushing the image %q: %w", ref, err)
	}
	// What is begun for the question is taken back behind it: the time is bounded, and the context is not ended here.
	ctx, end := context.WithCancelCause(ctx)
	late := time.AfterFunc(askTimeout, func() {
		end(&problem.Error{Kind: problem.Unreachable, Err: ErrUnreachable, Object: "image " + ref, Cause: "its registry did not answer within " + askTimeout.String(), Remedy: "look at the registry"})
	})
	defer late.Stop()
	until := transportFunc(func(request *http.Request) (*http.Response, error) {
		return remote.DefaultTransport.RoundTrip(request.WithContext(ctx))
	})
	err = remote.CheckPushPermission(parsed, r.keychain(), until)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return pushError(ref, err)
	}
	return nil
}

// transportFunc is a transport by a function.
type transportFunc func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f transportFunc) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// logInRemedy returns how to get a login for the registry of an image.
func logInRemedy(ref string) string {
	remedy := "log in to it with `docker login`, as somebody who may push there"
	if onThisMachine(ref) {
		remedy = "log in to it: `cyan local login` for the registry of a local cluster, as the owner of the cluster, or `docker login`"
	}
	return remedy
}

// onThisMachine reports whether the registry of an image is one of this machine.
func onThisMachine(ref string) bool {
	host, _, _ := strings.Cut(ref, "/")
	host, _, _ = strings.Cut(host, ":")
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func pushError(ref string, err error) error {
	object := "image " + ref
	var refused *transport.Error
	if !errors.As(err, &refused) {
		return &problem.Error{Kind: problem.Unreachable, Err: ErrUnreachable, Object: object, Cause: "pushing: " + err.Error(), Remedy: "check that the registry runs and is reached from here"}
	}
	said := make([]string, 0, len(refused.Errors))
	for _, d := range refused.Errors {
		said = append(said, strings.TrimSpace(string(d.Code)+" "+d.Message))
	}
	e := &problem.Error{Kind: problem.Refused, Err: ErrPushRefused, Object: object, Cause: strings.TrimSpace(fmt.Sprintf("the registry refused the push with %d %s", refused.StatusCode, strings.Join(said, ", ")))}
	switch {
	case refused.StatusCode == http.StatusUnauthorized || refused.StatusCode == http.StatusForbidden:
		e.Remedy = logInRemedy(ref)
	case refused.StatusCode == http.StatusNotFound:
		e.Kind, e.Remedy = problem.Absent, "create the repository in the registry, or correct its name"
	case refused.StatusCode >= http.StatusInternalServerError || refused.StatusCode == http.StatusTooManyRequests:
		e.Kind, e.Err, e.Remedy = problem.Unreachable, ErrUnreachable, "try again; look at the registry's log"
	default:
		e.Remedy = "look at the registry's settings"
	}
	return e
}
