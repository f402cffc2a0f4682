package render

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/intern"
)

// FileStore remembers what files were read as, by their names and what they hold, so that of many files those are
// read that a commit has changed, and what many sources build on is held once. It is safe for concurrent use.
type FileStore struct {
	known *Store[fileName, *known]
	// bases are the documents of files that several sources build on.
	bases *Store[fileName, *base]
	// values are what objects have in common.
	values intern.Values
}

// NewFileStore returns a memory of at most count files, which take at most size bytes.
func NewFileStore(count int, size int64) *FileStore {
	return &FileStore{known: NewStore[fileName, *known](count, size/2), bases: NewStore[fileName, *base](count, size/2)}
}

// base are the documents of a file, and what reading them has cost.
type base struct {
	docs  []Document
	spent spent
}

// fileName names what a file holds, and how it is read.
type fileName struct {
	name, hash, keys string
	most             int64
}

// Parsed is what a file was read as. It is not changed once it is made.
type Parsed struct {
	Objects  []Rendered
	Warnings []Warning
}

// known is what a file was read as, and what that has cost.
type known struct {
	parsed Parsed
	spent  spent
}

// Parse reads a file of a tree by its resolved path, or takes what it was read as before. Either costs the same of
// the budget, so that nothing depends on what is remembered; what the budget has no room for is read anew, up to
// where it ends.
func Parse(t *Tree, name string, parse func(data []byte) (Parsed, error)) (Parsed, error) {
	at, ok := nameOfFile(t, name)
	_, again := t.contents[name]
	again = again || t.parsed[name]
	if before, is := remembered(t, at); ok && is {
		cost := before.spent
		if again {
			cost = cost.without(Files, 1)
		}
		if fits, err := t.budget.repeat(cost); fits {
			t.parsed[name] = true
			t.record.reads[name] = at.hash
			return before.parsed, err
		}
	}
	spentBefore := t.budget.spent
	data, err := t.ReadFile(name)
	if err != nil {
		return Parsed{}, err
	}
	parsed, err := parse(data)
	if err == nil && ok && !again {
		cost := t.budget.spent.since(spentBefore)
		t.files.known.Add(at, &known{parsed, cost}, cost.memory())
	}
	return parsed, err
}

// nameOfFile names what a file holds. It reports false where nothing is remembered of files.
func nameOfFile(t *Tree, name string) (fileName, bool) {
	if t.files == nil {
		return fileName{}, false
	}
	hash, err := t.record.hashes.Hash(name)
	return fileName{name, hash, t.keys.Fingerprint(), t.budget.Limits().FileSize}, err == nil
}

func remembered(t *Tree, at fileName) (*known, bool) {
	if t.files == nil || t.anew {
		return nil, false
	}
	return t.files.known.Get(at)
}

// baseDocuments reads every document of a file outside the directory of the source, or takes those that it was read as
// for another source; either costs the same of the budget. A file of the source's own is hardly another's as well.
func baseDocuments(t *Tree, name string, data []byte) ([]Document, error) {
	at, ok := nameOfFile(t, name)
	if !ok || t.directory == "" || t.directory == "." || strings.HasPrefix(name, t.directory+"/") {
		return t.Documents(name, data)
	}
	if known, is := t.files.bases.Get(at); is && !t.anew {
		if fits, err := t.budget.repeat(known.spent); fits {
			return known.docs, err
		}
	}
	before := t.budget.spent
	docs, err := t.Documents(name, data)
	if err == nil {
		cost := t.budget.spent.since(before)
		t.files.bases.Add(at, &base{docs, cost}, int64(len(data))+cost.memory())
	}
	return docs, err
}

// Share has an object that was just made hold once what it has in common with others.
func Share(t *Tree, object *unstructured.Unstructured) {
	if t.files != nil {
		t.files.values.Object(object)
	}
}
