package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// tree are the folders and links of an image by their absolute paths; anything else is in it as what it is not.
type tree map[string]entry

type entry struct {
	folder bool
	// link is where a symbolic link leads, "" for none.
	link string
}

// readTree lists what an image holds.
func readTree(img v1.Image) (tree, error) {
	all := mutate.Extract(img)
	defer func() { _ = all.Close() }()
	found := tree{}
	for r := tar.NewReader(all); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		e := entry{folder: h.Typeflag == tar.TypeDir}
		if h.Typeflag == tar.TypeSymlink {
			e.link = h.Linkname
		}
		found[path.Join("/", h.Name)] = e
	}
}

// mostLinks bounds how many links a path leads over, as Linux does.
const mostLinks = 40

// resolve follows the links in a path.
func (t tree) resolve(name string) (string, error) {
	done, rest := "/", strings.Trim(path.Clean(name), "/")
	for hops := 0; rest != ""; {
		var step string
		step, rest, _ = strings.Cut(rest, "/")
		next := path.Join(done, step)
		if t[next].link == "" {
			done = next
			continue
		}
		if hops++; hops > mostLinks {
			return "", fmt.Errorf("the base image leads %s in a circle", name)
		}
		if path.IsAbs(t[next].link) {
			done = "/"
		}
		rest = strings.Trim(path.Join(t[next].link, rest), "/")
		for strings.HasPrefix(rest, "../") || rest == ".." {
			done, rest = path.Dir(done), strings.TrimPrefix(strings.TrimPrefix(rest, ".."), "/")
		}
	}
	return done, nil
}

// folder is where a folder is, which is made if it is not there.
func (t tree) folder(name string) (string, error) {
	at, err := t.resolve(name)
	if err != nil {
		return "", err
	}
	for dir := at; dir != "/"; dir = path.Dir(dir) {
		if e, there := t[dir]; there && !e.folder {
			return "", fmt.Errorf("the base image has a file at %s, where a folder is to be", dir)
		}
	}
	return at, nil
}

// target is where a file goes that is copied to a path: into it, where that is a folder.
func (t tree) target(name, file string) (string, error) {
	at, err := t.resolve(name)
	if err != nil {
		return "", err
	}
	if t[at].folder || at == "/" {
		if at, err = t.resolve(path.Join(at, file)); err != nil {
			return "", err
		}
	}
	if t[at].folder {
		return "", fmt.Errorf("the base image has a folder at %s, where the program is to be", at)
	}
	_, err = t.folder(path.Dir(at))
	return at, err
}

// file is one entry of a layer.
type file struct {
	name string
	mode int64
	data []byte
}

// supportLayer is what a program on nothing needs: a user, a place for temporary files, and the authorities that this
// machine trusts.
func supportLayer(as packing) (*layer, error) {
	files := []file{
		{"/etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")},
		{"/etc/group", 0o644, []byte("root:x:0:\nnonroot:x:65532:\n")},
		{"/tmp/", 0o1777, nil},
	}
	for _, path := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"} {
		if data, err := os.ReadFile(path); err == nil {
			files = append(files, file{"/etc/ssl/certs/ca-certificates.crt", 0o644, data})
			break
		}
	}
	return newLayer(files, nil, as)
}

// layer is a layer in memory as it is pushed, made in one pass.
type layer struct {
	packed []byte
	digest v1.Hash
	diffID v1.Hash
	kind   types.MediaType
}

// packing is how the archive of a layer is written.
type packing struct {
	kind types.MediaType
	// over returns what packs, and writes to out.
	over func(out io.Writer) (io.WriteCloser, error)
}

var (
	// compressed is for registries that are far away.
	compressed = packing{types.OCILayer, func(out io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(out, gzip.BestSpeed) }}
	// plain is for one on this machine: to compress, and to unpack again, takes longer than to write.
	plain = packing{types.OCIUncompressedLayer, func(out io.Writer) (io.WriteCloser, error) { return open{out}, nil }}
)

// open is a writer that needs not be closed.
type open struct{ io.Writer }

// Close does nothing.
func (open) Close() error { return nil }

// newLayer writes files with those of their folders that are not below. Times are zero, so that the same files give
// the same digest.
func newLayer(files []file, below tree, as packing) (*layer, error) {
	var out bytes.Buffer
	pack, err := as.over(&out)
	if err != nil {
		return nil, fmt.Errorf("compressing a layer: %w", err)
	}
	archive := sha256.New()
	w := tar.NewWriter(io.MultiWriter(pack, archive))
	made := map[string]bool{}
	for name, e := range below {
		made[strings.TrimPrefix(name, "/")] = e.folder
	}
	for _, f := range files {
		if err := writeFile(w, f, made); err != nil {
			return nil, fmt.Errorf("writing a layer: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("writing a layer: %w", err)
	}
	if err := pack.Close(); err != nil {
		return nil, fmt.Errorf("compressing a layer: %w", err)
	}
	l := &layer{packed: out.Bytes(), diffID: hashOf(archive), kind: as.kind}
	if l.digest = l.diffID; as.kind != plain.kind {
		sum := sha256.Sum256(l.packed)
		l.digest = v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
	}
	return l, nil
}

func hashOf(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

func writeFile(w *tar.Writer, f file, made map[string]bool) error {
	clean := strings.TrimPrefix(path.Clean(f.name), "/")
	folders := strings.Split(clean, "/")
	if strings.HasSuffix(f.name, "/") {
		return writeFolder(w, clean, f.mode, made)
	}
	for i := 1; i < len(folders); i++ {
		if err := writeFolder(w, strings.Join(folders[:i], "/"), 0o755, made); err != nil {
			return err
		}
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: clean, Mode: f.mode, Size: int64(len(f.data))}); err != nil {
		return err
	}
	_, err := w.Write(f.data)
	return err
}

func writeFolder(w *tar.Writer, name string, mode int64, made map[string]bool) error {
	if made[name] {
		return nil
	}
	made[name] = true
	return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode})
}

func (l *layer) Digest() (v1.Hash, error)            { return l.digest, nil }
func (l *layer) DiffID() (v1.Hash, error)            { return l.diffID, nil }
func (l *layer) Size() (int64, error)                { return int64(len(l.packed)), nil }
func (l *layer) MediaType() (types.MediaType, error) { return l.kind, nil }
func (l *layer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.packed)), nil
}
func (l *layer) Uncompressed() (io.ReadCloser, error) {
	if l.kind == plain.kind {
		return l.Compressed()
	}
	return gzip.NewReader(bytes.NewReader(l.packed))
}
