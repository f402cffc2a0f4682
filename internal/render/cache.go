package render

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// maxVersions is how many results of one source are kept: as many branches, or commits to go back and forth between,
// cost one rendering each.
const maxVersions = 4

// Cached returns a Func that renders by next, unless the result is known: nothing that was read for it, and no
// variable that went into it, is different now; where another rendering of the same is under way, its result is waited
// for. The results of that many sources are kept, those that were used last,
// as far as they take no more memory than size, in bytes.
func Cached(next Func, sources int, size int64) Func {
	c := &cache{next: next, sources: NewStore[string, []*version](sources, size), running: map[string]chan struct{}{}}
	return c.render
}

type cache struct {
	next Func

	// mu makes a change of the versions of a source one step.
	mu sync.Mutex
	// sources has the versions by the name of what was asked for.
	sources *Store[string, []*version]
	// running has the renderings under way, by source and root: each is closed when it ends.
	running map[string]chan struct{}
}

// version is what a source rendered to once. It is not changed.
type version struct {
	// root is the hash of the whole tree, or "" when the tree does not know it.
	root      string
	env       map[string]string
	names     []string
	namespace string
	result    *Result
	err       error
}

func (c *cache) render(tree fs.FS, src v1alpha1.ApplicationSource, opts Options) (*Result, error) {
	name, err := cacheName(src, opts)
	if err != nil {
		return nil, err
	}
	root := rootHash(tree)
	if !opts.Anew {
		if known := c.known(name, root, tree, opts); known != nil {
			return known.result, known.err
		}
		if root != "" {
			ended, waited := c.begin(name+root, opts.Control)
			defer ended()
			if known := c.known(name, root, tree, opts); waited && known != nil {
				return known.result, known.err
			}
		}
	}
	result, err := c.next(tree, src, opts)
	if err == nil || IsRefusal(err) && result != nil {
		c.keep(name, nil, &version{root: root, env: usedEnv(result.EnvUsed, opts.Env), names: opts.Names, namespace: opts.Namespace, result: result, err: err})
	}
	return result, err
}

// begin waits for a rendering of the same that is under way, once: what comes of it may differ by a variable. It
// returns what to call at the end, and whether it has waited.
func (c *cache) begin(name string, control Control) (ended func(), waited bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.running[name]; other != nil {
		c.mu.Unlock()
		select {
		case <-other:
		case <-control.Done:
		}
		c.mu.Lock()
		return func() {}, true
	}
	own := make(chan struct{})
	c.running[name] = own
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.running, name)
		close(own)
	}, false
}

// known returns the version that is what was asked for, or nil.
func (c *cache) known(name, root string, tree fs.FS, opts Options) *version {
	known := slices.Concat(c.versions(name), c.versions(placeOf(name, opts.Namespace, true)))
	for _, same := range []func(*version) bool{
		func(v *version) bool { return root != "" && v.root == root },
		func(v *version) bool { return v.result.ReadSet.Unchanged(Hashed(tree)) },
	} {
		i := slices.IndexFunc(known, func(v *version) bool {
			return v.sameEnv(opts.Env) && (v.namespace == opts.Namespace || !v.result.NamespaceUsed) && (slices.Equal(v.names, opts.Names) || v.result.isFor(Hashed(tree), opts.Names)) && same(v)
		})
		if i >= 0 {
			found := *known[i]
			found.root = root
			c.keep(name, known[i], &found)
			return &found
		}
	}
	return nil
}

func (v *version) sameEnv(env map[string]string) bool {
	return maps.Equal(v.env, usedEnv(v.result.EnvUsed, env))
}

func usedEnv(names []string, env map[string]string) map[string]string {
	used := make(map[string]string, len(names))
	for _, name := range names {
		used[name] = env[name]
	}
	return used
}

// placeOf is where versions of a source are kept: those that depend on the namespace, by themselves.
func placeOf(name, namespace string, used bool) string {
	if used {
		return name + " " + namespace
	}
	return name
}

func (c *cache) versions(name string) []*version {
	known, _ := c.sources.Get(name)
	return known
}

// keep puts a version in front of the others of its source, and in the place of old.
func (c *cache) keep(name string, old, v *version) {
	name = placeOf(name, v.namespace, v.result.NamespaceUsed)
	c.mu.Lock()
	defer c.mu.Unlock()
	versions, _ := c.sources.Get(name)
	kept := append(make([]*version, 0, maxVersions+1), v)
	for _, other := range versions {
		if other != old && len(kept) < maxVersions {
			kept = append(kept, other)
		}
	}
	var size int64
	for _, v := range kept {
		size += v.result.Size
	}
	c.sources.Add(name, kept, size)
}

// cacheName names what is asked for, but for the tree, the variables, the names and the namespace: the revision is the
// tree's.
func cacheName(src v1alpha1.ApplicationSource, opts Options) (string, error) {
	src.TargetRevision = ""
	text, err := json.Marshal([]any{src, opts.Limits, opts.Settings, opts.Keys.Fingerprint()})
	if err != nil {
		return "", fmt.Errorf("naming source %s: %w", DisplayPath(src.Path), err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// rootHash is the hash of a tree that knows it without being read.
func rootHash(tree fs.FS) string {
	hashes, ok := tree.(HashFS)
	if !ok {
		return ""
	}
	hash, err := hashes.Hash(".")
	if err != nil {
		return ""
	}
	return hash
}
