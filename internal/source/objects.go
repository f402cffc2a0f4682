package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// errMissing: the mirror does not have the object.
var errMissing = errors.New("no such object")

// objectInfo is the head of an object.
type objectInfo struct {
	name string
	kind string
	size int64
}

// objectStore reads the object store of one mirror by processes of `git cat-file --batch-command` that live on between
// reads.
type objectStore struct {
	life context.Context // the processes outlive any one read
	git  *gitProgram
	dir  string
	name string

	mu   sync.Mutex
	idle []*objectReader
	// generation changes when the mirror is made anew; readers of the old one are not used again.
	generation int
	sweep      *time.Timer
}

// keepIdle is how many processes stay for the next read, and idleFor how long.
const (
	keepIdle = 2
	idleFor  = 30 * time.Second
)

// objectReader is one process.
type objectReader struct {
	cmd        *exec.Cmd
	in         io.WriteCloser
	out        *bufio.Reader
	stderr     *bytes.Buffer
	generation int
	used       time.Time
}

func (o *objectStore) start() (*objectReader, error) {
	cmd := o.git.command(o.life, gitCall{dir: o.dir, args: []string{"cat-file", "--batch-command"}})
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting git cat-file: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting git cat-file: %w", err)
	}
	r := &objectReader{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 32<<10), stderr: &bytes.Buffer{}}
	cmd.Stderr = &prefixWriter{keep: 8 << 10, to: r.stderr}
	if err := cmd.Start(); err != nil {
		if o.life.Err() != nil {
			return nil, errors.New("the mirrors are closed")
		}
		return nil, fmt.Errorf("%w: starting git cat-file in the mirror of %s: %w", errMissing, o.name, err)
	}
	return r, nil
}

func (r *objectReader) end() {
	_ = r.in.Close()
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

func (o *objectStore) take() (r *objectReader, fresh bool, err error) {
	o.mu.Lock()
	for len(o.idle) > 0 {
		r := o.idle[len(o.idle)-1]
		o.idle = o.idle[:len(o.idle)-1]
		if r.generation == o.generation {
			o.mu.Unlock()
			return r, false, nil
		}
		go r.end()
	}
	generation := o.generation
	o.mu.Unlock()
	r, err = o.start()
	if err != nil {
		return nil, true, err
	}
	r.generation = generation
	return r, true, nil
}

func (o *objectStore) put(r *objectReader) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.generation != o.generation || len(o.idle) >= keepIdle || o.life.Err() != nil {
		go r.end()
		return
	}
	r.used = time.Now()
	o.idle = append(o.idle, r)
	if o.sweep == nil {
		o.sweep = time.AfterFunc(idleFor, o.endIdle)
	}
}

// endIdle ends the processes that nobody needed for a while.
func (o *objectStore) endIdle() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sweep = nil
	kept := o.idle[:0]
	for _, r := range o.idle {
		if time.Since(r.used) < idleFor/2 {
			kept = append(kept, r)
		} else {
			go r.end()
		}
	}
	o.idle = kept
	if len(kept) > 0 {
		o.sweep = time.AfterFunc(idleFor, o.endIdle)
	}
}

func (o *objectStore) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.generation++
	for _, r := range o.idle {
		r.end()
	}
	o.idle = nil
	if o.sweep != nil {
		o.sweep.Stop()
		o.sweep = nil
	}
}

func (o *objectStore) info(ctx context.Context, object string) (objectInfo, error) {
	info, _, err := o.ask(ctx, "info", object, 0)
	return info, err
}

// contents reads an object of at most limit bytes.
func (o *objectStore) contents(ctx context.Context, object string, limit int64) (objectInfo, []byte, error) {
	return o.ask(ctx, "contents", object, limit)
}

func (o *objectStore) ask(ctx context.Context, command, object string, limit int64) (objectInfo, []byte, error) {
	for {
		r, fresh, err := o.take()
		if err != nil {
			return objectInfo{}, nil, err
		}
		stop := context.AfterFunc(ctx, func() { _ = r.cmd.Process.Kill() })
		info, data, err := r.exchange(command, object, limit)
		unharmed := stop()
		var broken *brokenReader
		switch {
		case !errors.As(err, &broken) && unharmed:
			o.put(r)
			return info, data, err
		case !unharmed:
			r.end()
			if err == nil {
				return info, data, nil
			}
			return objectInfo{}, nil, context.Cause(ctx)
		}
		r.end()
		if o.life.Err() != nil {
			return objectInfo{}, nil, errors.New("the mirrors are closed")
		}
		if !fresh {
			// It may have died of age; a fresh one tells.
			continue
		}
		return objectInfo{}, nil, o.explain(object, broken, r.stderr.String())
	}
}

// explain distinguishes a mirror that is not there yet from one that is damaged.
func (o *objectStore) explain(object string, broken *brokenReader, stderr string) error {
	if strings.Contains(stderr, "not a git repository") {
		return errMissing
	}
	cause := broken.Error()
	if stderr != "" {
		cause = gitMessage(stderr)
	}
	return newError(ErrCorrupt, o.name, fmt.Sprintf("reading %s from its mirror: %s", object, cause), "the mirror is made anew")
}

// brokenReader: the process did not answer as it should, and is of no more use.
type brokenReader struct{ err error }

func (b *brokenReader) Error() string { return b.err.Error() }

// tooLarge: the object is there, and larger than what may be read.
type tooLarge struct{ size, limit int64 }

func (t *tooLarge) Error() string {
	return fmt.Sprintf("%d bytes are more than the limit of %d", t.size, t.limit)
}

func (r *objectReader) exchange(command, object string, limit int64) (objectInfo, []byte, error) {
	if _, err := fmt.Fprintf(r.in, "%s %s\n", command, object); err != nil {
		return objectInfo{}, nil, &brokenReader{err}
	}
	return readAnswer(r.out, command == "contents", limit)
}

// readAnswer reads one answer of cat-file: "<name> <type> <size>\n", and the contents with a line break when they were
// asked for.
func readAnswer(in *bufio.Reader, contents bool, limit int64) (objectInfo, []byte, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return objectInfo{}, nil, &brokenReader{fmt.Errorf("git cat-file ended: %w", err)}
	}
	line = strings.TrimSuffix(line, "\n")
	if strings.HasSuffix(line, " missing") || strings.HasSuffix(line, " ambiguous") {
		return objectInfo{}, nil, errMissing
	}
	fields := strings.Split(line, " ")
	if len(fields) != 3 || !objectName.MatchString(fields[0]) {
		return objectInfo{}, nil, &brokenReader{fmt.Errorf("git cat-file answered %.200q", line)}
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || size < 0 {
		return objectInfo{}, nil, &brokenReader{fmt.Errorf("git cat-file answered %.200q", line)}
	}
	info := objectInfo{name: fields[0], kind: fields[1], size: size}
	if !contents {
		return info, nil, nil
	}
	if size > limit {
		if _, err := io.CopyN(io.Discard, in, size+1); err != nil {
			return info, nil, &brokenReader{err}
		}
		return info, nil, &tooLarge{size, limit}
	}
	data := make([]byte, size+1)
	if _, err := io.ReadFull(in, data); err != nil {
		return info, nil, &brokenReader{fmt.Errorf("git cat-file broke off: %w", err)}
	}
	if data[size] != '\n' {
		return info, nil, &brokenReader{errors.New("git cat-file answered out of step")}
	}
	return info, data[:size:size], nil
}
